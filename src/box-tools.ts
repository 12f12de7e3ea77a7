// The tools that every box has: how it stands, how loud it is, whether it listens, how its connection fares. Asks the agent
// and tells it what was asked for; decides nothing.
import type { Agent } from './agent.ts';
import { wayOf } from './core/network.ts';
import { qualityOf } from './history/sessions.ts';
import type { Clock } from './ports.ts';
import type { Argument, ToolShape } from './protocol/tools.ts';
import type { Tool } from './toolbox.ts';

/** Each is heard as a pip: nobody wants more of them, and a person turning a knob makes fewer. */
const VOLUMES = { calls: 10, perMs: 10_000 };

/** Null: it does not say. */
export type Radio = { readonly ssid: string | null; readonly signalDbm: number | null };

export type BoxParts = {
  readonly agent: () => Agent;
  readonly clock: Clock;
  /** What the configuration call says of the box. */
  readonly systemInfo: () => string;
  readonly board: {
    readonly temperatureC: () => number | null;
    /** Null: the interface is no radio. */
    readonly radioOf: (name: string) => Promise<Radio | null>;
  };
  /** Undefined: nobody but the owner restarts the board. */
  readonly reboot?: () => Promise<string>;
};

/** Standard tools first: servers cache what a list begins with. */
export function boxTools(parts: BoxParts): readonly Tool[] {
  const { agent, clock, board, reboot } = parts;
  return [
    tool(
      'self.get_device_status',
      'Gives the present state of the device: volume of the speaker, whether the microphone is muted, network, temperature of the chip. ' +
        'Call this first whenever the present volume or state is not known, for instance before making it louder.',
      async () => JSON.stringify(await statusOf(agent(), board)),
    ),
    {
      ...tool(
        'self.audio_speaker.set_volume',
        'Sets the volume of the speaker. If the present volume is not known, call self.get_device_status first.',
        ({ volume }) => {
          agent().dispatch({ type: 'volume.asked', to: Number(volume) });
          return 'true';
        },
        [{ name: 'volume', kind: 'integer', minimum: 0, maximum: 100 }],
      ),
      atMost: VOLUMES,
    },
    tool(
      'self.audio_microphone.set_mute',
      'Mutes the microphone, or opens it again. A muted device hears nothing until its button is used: only when asked to.',
      ({ muted }) => {
        const box = agent();
        box.dispatch({ type: 'mute.asked', muted: muted === true });
        if (box.state.muted === muted) return 'true';
        throw new Error('the mute switch of the device stands on mute');
      },
      [{ name: 'muted', kind: 'boolean' }],
    ),
    tool(
      'self.network.get_status',
      'Tells how the connection of the device fares: how long it has been up, round trip, losses and what ended the last one. ' +
        'For questions such as "how is your connection?".',
      () => JSON.stringify(connectionOf(agent(), clock)),
    ),
    tool(
      'self.set_press_to_talk',
      'Sets what the button does. press_to_talk: hold it while speaking. click_to_talk: one click, then speak. both: either.',
      ({ mode }) => {
        const chosen = mode === 'press_to_talk' ? 'hold' : mode === 'click_to_talk' ? 'click' : 'hybrid';
        agent().dispatch({ type: 'gesture.chosen', mode: chosen });
        return 'true';
      },
      [{ name: 'mode', kind: 'string', options: ['press_to_talk', 'click_to_talk', 'both'] }],
    ),
    forOwner('self.get_system_info', 'Gives what the device says of itself.', parts.systemInfo),
    ...(reboot === undefined ? [] : [forOwner('self.reboot', 'Restarts the device.', reboot)]),
  ];
}

function tool(
  name: string,
  description: string,
  run: (values: Parameters<Tool['run']>[0]) => string | Promise<string>,
  all: readonly Argument[] = [],
  audience: ToolShape['audience'] = 'model',
): Tool {
  return { shape: { name, description, arguments: all, audience }, run: async (values) => run(values) };
}

function forOwner(name: string, description: string, run: () => string | Promise<string>): Tool {
  return tool(name, description, run, [], 'owner');
}

/** In the words of the reference firmware; what is not known is left out. */
async function statusOf({ state, held }: Agent, board: BoxParts['board']) {
  const way = state.network.seen === null ? null : wayOf(state.network.seen);
  const temperature = board.temperatureC();
  return {
    audio_speaker: { volume: state.volume },
    audio_microphone: { muted: state.muted },
    screen: {},
    state: held.status,
    network: way === null ? {} : networkOf(await board.radioOf(way.interface)),
    ...(temperature === null ? {} : { chip: { temperature } }),
  };
}

function networkOf(radio: Radio | null) {
  if (radio === null) return { type: 'ethernet' };
  const { ssid, signalDbm } = radio;
  return {
    type: 'wifi',
    ...(ssid === null ? {} : { ssid }),
    ...(signalDbm === null ? {} : { signal: signalWord(signalDbm) }),
  };
}

/** By the limits of the reference firmware (protocol.md §4.4). */
function signalWord(dbm: number): 'strong' | 'medium' | 'weak' {
  if (dbm >= -60) return 'strong';
  return dbm >= -70 ? 'medium' : 'weak';
}

function connectionOf({ state, history }: Agent, clock: Clock) {
  const { link, lessons } = state;
  const { sessions, lastLoss } = history;
  const rttMs = link.phase === 'ready' ? link.pulse.rttMs : null;
  const upForS = link.phase === 'ready' ? Math.round((clock.now() - link.since) / 1_000) : 0;
  return {
    connected: link.phase === 'ready',
    up_for_s: upForS,
    reconnects: sessions.counters.reconnects,
    last_loss: lastLoss === null ? null : { reason: lastLoss.reason, class: lastLoss.class },
    ...qualityOf(sessions.ended, rttMs, lessons, clock.now()),
  };
}
