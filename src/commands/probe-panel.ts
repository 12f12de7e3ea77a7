// The facts about the button and the light for `doctor`. Reads a line once where nobody has it, and judges nothing.
import { join } from 'node:path';
import { GpiodPrograms } from '../adapters/linux/gpiod-programs.ts';
import { levelArguments } from '../adapters/linux/gpiod-tools.ts';
import { neededFor, pinName } from '../config/pins.ts';
import type { Config } from '../config/schema.ts';
import type { ButtonFacts, LightFacts } from '../doctor/panel.ts';
import type { Status } from '../status.ts';
import { wishOf } from './panel.ts';
import { may, names, said } from './probe-run.ts';

const LEDS = '/sys/class/leds';

export async function buttonFacts({ button, audio }: Config, status: Status | null): Promise<ButtonFacts> {
  const chips = names('/dev').filter((name) => /^gpiochip\d+$/.test(name));
  const [first] = chips;
  const monitor = await said('gpiomon', '--version');
  const found = status?.button ?? null;
  const trouble = found?.last_trouble ?? null;
  return {
    backend: button.backend,
    gpio: button.gpio,
    chips,
    gpiomon: monitor === null ? null : (monitor.out.split('\n')[0] ?? ''),
    chipReadable: first === undefined ? null : may(join('/dev', first), 'write'),
    soundPin: neededFor(button.gpio, audio.hat) ?? null,
    line: found === null && usesPins(button) ? await lineOf(button) : null,
    agent:
      found === null
        ? null
        : {
            backend: found.backend,
            state: found.state,
            line: found.line,
            isDown: found.is_down,
            trouble: trouble === null || trouble.over ? null : trouble.reason,
          },
  };
}

const usesPins = ({ backend }: Config['button']) => backend !== 'none' && backend !== 'evdev';

async function lineOf(button: Config['button']): Promise<ButtonFacts['line']> {
  const programs = new GpiodPrograms();
  const where = await programs.find(button.gpio, button.chip);
  if ('missing' in where) return where;
  if ('failed' in where) return null;
  const holder = (await programs.holderOf(where)) ?? null;
  const level = levelArguments(where.generation, where, wishOf(button));
  const read = holder === null ? (await programs.run('gpioget', level)).said : '';
  return {
    where: `${pinName(button.gpio)} on ${where.chip}`,
    holder,
    isDown: read === '0' || read === '1' ? read === '1' : null,
  };
}

export function lightFacts({ light }: Config, status: Status | null): LightFacts {
  const wanted = light.name === '' ? [] : light.name.split(',').map((one) => one.trim());
  const leds = names(LEDS);
  const there = wanted.filter((name) => leds.includes(name));
  const isKernel = light.backend === 'leds' && there.length > 0;
  return {
    backend: light.backend,
    names: wanted,
    leds,
    writable: isKernel ? there.every((name) => may(join(LEDS, name, 'brightness'), 'write')) : null,
    agentTrouble: status?.light.trouble ?? null,
  };
}
