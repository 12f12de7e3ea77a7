// Checks of the button and the light. Judges facts; reads no line.
import { type Check, fail, installing, ok, skipped, warn } from './check.ts';

export type ButtonFacts = {
  readonly backend: string;
  readonly gpio: number;
  readonly chips: readonly string[];
  /** `gpiomon` answers with its version; null: not installed. */
  readonly gpiomon: string | null;
  /** Who may open the first chip is not us; null: there is none. */
  readonly chipReadable: boolean | null;
  readonly soundPin: string | null;
  /** Where it is and who has it, looked at where no agent runs; null: not looked at. */
  readonly line:
    | { readonly missing: string }
    | { readonly where: string; readonly holder: string | null; readonly isDown: boolean | null }
    | null;
  readonly agent: {
    readonly backend: string;
    readonly state: string;
    readonly line: string | null;
    readonly isDown: boolean;
    readonly trouble: string | null;
  } | null;
};

export type LightFacts = {
  readonly backend: string;
  readonly names: readonly string[];
  /** Under /sys/class/leds. */
  readonly leds: readonly string[];
  readonly writable: boolean | null;
  readonly agentTrouble: string | null;
};

const usesPins = ({ backend }: ButtonFacts) => backend !== 'none' && backend !== 'evdev';

export const buttonChecks: readonly Check<ButtonFacts>[] = [
  {
    id: 'backend',
    title: 'backend',
    // Without one on purpose: `auto` is what nobody has to ask for.
    judge: ({ backend }) => ok(backend === 'none' ? 'none: only commands press' : backend),
  },
  {
    id: 'tool',
    title: 'gpiomon',
    judge: (facts) => {
      if (!usesPins(facts)) return skipped('not needed');
      return facts.gpiomon === null ? warn('missing', installing('gpiod')) : ok(facts.gpiomon);
    },
  },
  {
    id: 'chip',
    title: 'GPIO',
    judge: (facts) => {
      if (!usesPins(facts)) return skipped('not needed');
      return facts.chips.length > 0
        ? ok(facts.chips.join(', '))
        : fail('this machine has none', 'button.backend "evdev" for a USB button, or "none"');
    },
  },
  {
    id: 'access',
    title: 'may be read',
    judge: ({ chipReadable }) => {
      if (chipReadable === null) return skipped('there is no GPIO');
      return chipReadable ? ok('yes') : warn('not by you', 'sudo usermod -aG gpio $USER, then log in again');
    },
  },
  {
    id: 'pin',
    title: 'pin',
    judge: (facts) => {
      if (!usesPins(facts)) return skipped('not needed');
      return facts.soundPin === null
        ? ok(`BCM ${facts.gpio}`)
        : fail(`BCM ${facts.gpio} is needed for sound: ${facts.soundPin}`, 'another button.gpio');
    },
  },
  {
    id: 'line',
    title: 'line',
    judge: ({ line, agent }) => {
      if (line === null) return skipped(agent === null ? 'cannot be looked at' : 'the agent has it');
      if ('missing' in line) return fail(line.missing, 'gpiodetect; gpioinfo; button.gpio, button.chip');
      return line.holder === null
        ? ok(`${line.where}, free`)
        : fail(`${line.where} is in use by ${line.holder}`, 'end that program, or another button.gpio');
    },
  },
  {
    id: 'heard',
    title: 'as the agent has it',
    judge: ({ agent }) => {
      if (agent === null) return skipped('no agent runs');
      if (agent.backend === 'none' && agent.line === null) return skipped('none is wanted');
      return agent.state === 'working'
        ? ok(`${agent.backend}: ${agent.line}`)
        : fail(agent.trouble ?? agent.state, 'xiaozhi-agent status; xiaozhi-agent button test');
    },
  },
  {
    id: 'rest',
    title: 'is up at rest',
    judge: ({ agent, line }) => {
      const looked = line === null || 'missing' in line ? null : line.isDown;
      const isDown = agent?.state === 'working' ? agent.isDown : looked;
      if (isDown === null) return skipped('not heard');
      return isDown
        ? warn('it is down now: pressed, or wired the other way round?', 'button.active, button.pull')
        : ok('yes');
    },
  },
];

export const lightChecks: readonly Check<LightFacts>[] = [
  {
    id: 'backend',
    title: 'backend',
    judge: ({ backend }) => (backend === 'none' ? skipped('no light is set') : ok(backend)),
  },
  {
    id: 'led',
    title: 'LED',
    judge: ({ backend, names, leds }) => {
      if (backend !== 'leds') return skipped('not a LED of the kernel');
      const missing = names.filter((name) => !leds.includes(name));
      return missing.length === 0
        ? ok(names.join(', '))
        : fail(
            `there is no ${missing.join(', ')}; there is ${leds.join(', ') || 'none'}`,
            'ls /sys/class/leds',
          );
    },
  },
  {
    id: 'access',
    title: 'may be lit',
    judge: ({ writable }) => {
      if (writable === null) return skipped('not a LED of the kernel, or missing');
      return writable ? ok('yes') : warn('not by you', 'ls -l /sys/class/leds/*/brightness');
    },
  },
  {
    id: 'agent',
    title: 'as the agent has it',
    judge: ({ backend, agentTrouble }) => {
      if (backend === 'none') return skipped('no light is set');
      return agentTrouble === null ? ok('no trouble') : fail(agentTrouble, 'xiaozhi-agent status');
    },
  },
];
