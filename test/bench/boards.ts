// Many agents in this process, each on its own real dialler and with the shipped settings: for outages that need more
// boards than processes fit into a machine. Knows nothing of what is done to them.
import { setTimeout as pause } from 'node:timers/promises';
import { clock } from '../../src/adapters/linux/clock.ts';
import { wsDialer } from '../../src/adapters/linux/ws-socket.ts';
import { simMicrophone } from '../../src/adapters/sim/sim-microphone.ts';
import { simSpeaker } from '../../src/adapters/sim/sim-speaker.ts';
import { Agent } from '../../src/agent.ts';
import { policyOf } from '../../src/commands/policy.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Event } from '../../src/core/events.ts';
import type { State } from '../../src/core/state.ts';
import { Loop, type LoopParts } from '../../src/loop.ts';
import type { Codec, Log } from '../../src/ports.ts';
import { Inbox } from '../helpers/inbox.ts';
import { Door, type Greeted } from './door.ts';
import type { Lab } from './lab.ts';

export type Board = {
  readonly state: State;
  dispatch(event: Event): void;
  /** Its next connection. */
  greeted(): Promise<Greeted>;
};

/** Longer than any wait between attempts that a bench provokes (12 s), on a busy machine. */
const GREETED_MS = 60_000;
/** So that they don't all shake hands at once; 600 of them take 3 s. */
const START_EVERY_MS = 5;
/** The rate of common servers. */
const SPEAKER_HZ = 24_000;
/** The default of `audio.output.jitter_ms`; nothing is played here. */
const JITTER_MS = 160;
const QUIET: Log = { debug() {}, info() {}, warn() {}, error() {} };

type Make = (parts: Omit<LoopParts, 'on'>) => Pick<Board, 'state' | 'dispatch'>;

/** Connected, all of them, to one door. */
export async function startBoards(
  lab: Lab,
  count: number,
  make: Make,
): Promise<{ readonly door: Door; readonly boards: readonly (Board & { readonly first: Greeted })[] }> {
  const inboxes = new Map<string, Inbox<Greeted>>();
  const door = await Door.keptBy(lab, (greeted) => inboxes.get(greeted.device)?.push(greeted));
  const started = [];
  for (let at = 0; at < count; at += 1) {
    // Locally administered, as the simulated ones of a bench should be.
    const device = `02:00:00:00:${hex(at >> 8)}:${hex(at & 0xff)}`;
    const inbox = new Inbox<Greeted>();
    inboxes.set(device, inbox);
    const agent = await lab.keep(
      () => make(partsOf(door.url, device)),
      (ended) => ended.dispatch({ type: 'shutdown.asked' }),
    );
    const greeted = () => inbox.next(() => true, `a hello of ${device}`, GREETED_MS);
    agent.dispatch({ type: 'agent.started' });
    started.push({ agent, greeted, first: greeted() });
    await pause(START_EVERY_MS);
  }
  const boards = started.map(async ({ agent, greeted, first }) => ({
    get state() {
      return agent.state;
    },
    dispatch: (event: Event) => agent.dispatch(event),
    greeted,
    first: await first,
  }));
  return { door, boards: await Promise.all(boards) };
}

/** The connection alone. */
export const silentBoard: Make = (parts) =>
  new Loop({ ...parts, on: { held() {}, cue() {}, stepped() {}, speech() {} } });

/** With a microphone, whose packets carry their number instead of sound: what is lost, doubled or out of order shows. */
export const talkingBoard: Make = (parts) =>
  new Agent({
    ...parts,
    microphone: simMicrophone(clock),
    speaker: simSpeaker(clock, { rateHz: SPEAKER_HZ }),
    codec: numberingCodec(),
    encoder: { bitrateBps: 24_000, complexity: 0 },
    jitterMs: JITTER_MS,
    prerollMs: 0,
    cue() {},
  });

export function numberOf(packet: Uint8Array): number {
  return new DataView(packet.buffer, packet.byteOffset).getUint32(0);
}

function numberingCodec(): Codec {
  return {
    name: 'numbers',
    encoder() {
      let count = 0;
      return {
        encode() {
          const packet = new Uint8Array(4);
          new DataView(packet.buffer).setUint32(0, count);
          count += 1;
          return packet;
        },
        setBitRate() {},
      };
    },
    decoder: () => ({ decode: () => undefined, reset() {}, conceal: () => new Uint8Array(0) }),
  };
}

function partsOf(url: string, device: string): Omit<LoopParts, 'on'> {
  const { config } = loadConfig({ environment: {}, overrides: { 'server.websocket_url': url } });
  return {
    policy: policyOf(config),
    server: () => ({
      url,
      headers: () => ({ 'Protocol-Version': '1', 'Device-Id': device, 'Client-Id': device }),
      deadlineMs: config.link.connectTimeoutMs,
      framing: 1,
      device: { name: 'xiaozhi-agent', version: '0.0.0' },
    }),
    clock,
    log: QUIET,
    dialer: wsDialer({ clock, clockIsSet: () => true }),
    clockSync: { start() {}, stop() {} },
  };
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
