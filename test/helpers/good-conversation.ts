// A good conversation with a device, as a script for scripted-server.ts, taken apart so that faults.ts can do one part
// of it differently. Must not know the agent.

import { tonePackets } from './opus-sound.ts';
import { type Admit, type Heard, messageOf, type Script, type Session } from './scripted-server.ts';

export type FaultOptions = {
  /** What the server says; without it, it says back what it heard, as the parrot does. */
  readonly answer?: readonly Uint8Array[];
  /** So many packets are an utterance in `auto` and `realtime`: 17 of 60 ms are the second a fake server should take. */
  readonly utterancePackets?: number;
  /** From the last packet to `tts stop`. */
  readonly stopAfterMs?: number;
  /** How long `stallInAnswer` stalls. */
  readonly stallMs?: number;
  /** How long `duplicateMcpIds` waits for each answer, in real time. */
  readonly answerWithinMs?: number;
  /** How long `goodbyeAfterIdle` waits for the next turn. */
  readonly idleMs?: number;
};

export type Settings = Required<Omit<FaultOptions, 'answer'>> & Pick<FaultOptions, 'answer'>;

/** The parts of a good conversation; a fault replaces one or two. Each may end the script by never returning. */
export type Parts = {
  greet(session: Session): Promise<void>;
  /** Waits for the next `listen start`; undefined ends the script. */
  await(session: Session, settings: Settings): Promise<Heard | undefined>;
  /** From the last word of the person to the first sound; false: it says nothing to that. */
  understood(
    session: Session,
    heard: readonly Uint8Array[],
    packets: readonly Uint8Array[],
  ): Promise<boolean>;
  /** The audio of an answer, up to the last packet; gives what interrupted it. */
  speak(session: Session, packets: readonly Uint8Array[], settings: Settings): Promise<Heard | undefined>;
  finish(session: Session, settings: Settings): Promise<void>;
  aborted(session: Session): void;
};

/** What the most used server does (protocol.md §3.7, §8.3, §9). */
export const DEFAULTS: Settings = {
  utterancePackets: 17,
  stopAfterMs: 420,
  stallMs: 1_500,
  answerWithinMs: 10_000,
  idleMs: 60_000,
};

/** The second that an unbound device's spoken code, or a goodbye, takes here: long enough to be heard playing. */
export const ANNOUNCEMENT_MS = 1_000;
export const isAbort = (heard: Heard) => messageOf(heard)?.type === 'abort';

export function isListenStart(heard: Heard): boolean {
  const message = messageOf(heard);
  return message?.type === 'listen' && message.state === 'start';
}

function announcement(settings: Settings): readonly Uint8Array[] {
  return settings.answer ?? tonePackets(ANNOUNCEMENT_MS, 60);
}

/** Waits until the device leaves; no fault of the device, however long that takes. */
export async function leftAlone(session: Session): Promise<void> {
  await session.next(() => false, Number.POSITIVE_INFINITY);
}

/** Greets, and no more: what else it says is the test's. */
export const greeting: Script = async (session) => {
  await session.next('hello');
  session.hello();
  await leftAlone(session);
};

export const good: Parts = {
  async greet(session) {
    await session.next('hello', Number.POSITIVE_INFINITY);
    session.hello();
    askInitialize(session);
  },

  async await(session) {
    for (;;) {
      const heard = await session.next(
        (one) => isListenStart(one) || messageOf(one)?.type === 'mcp',
        Number.POSITIVE_INFINITY,
      );
      if (isListenStart(heard)) return heard;
      askTools(session, heard);
    }
  },

  async understood(session, heard, packets) {
    session.say({ type: 'stt', text: `${heard.length} packets` });
    session.say({ type: 'tts', state: 'start' });
    session.say({ type: 'llm', emotion: 'happy', text: '🙂' });
    session.say({ type: 'tts', state: 'sentence_start', text: `${packets.length} packets` });
    return true;
  },

  speak: (session, packets) => session.packets(packets, {}, isAbort),

  async finish(session, settings) {
    const interruption = await session.pause(settings.stopAfterMs, isAbort);
    if (interruption === undefined) session.say({ type: 'tts', state: 'stop' });
    else this.aborted(session);
  },

  aborted(session) {
    session.say({ type: 'tts', state: 'stop' });
  },
};

export function askInitialize(session: Session): void {
  const params = {
    protocolVersion: '2024-11-05',
    capabilities: {},
    clientInfo: { name: 'script', version: '1' },
  };
  session.say({ type: 'mcp', payload: { jsonrpc: '2.0', id: 1, method: 'initialize', params } });
}

function askTools(session: Session, heard: Heard): void {
  const message = messageOf(heard);
  if (message?.type !== 'mcp' || message.payload.id !== 1) return;
  session.say({ type: 'mcp', payload: { jsonrpc: '2.0', id: 2, method: 'tools/list' } });
}

/** Undefined when the device took it back. */
async function utterance(
  session: Session,
  start: Heard,
  settings: Settings,
): Promise<Uint8Array[] | undefined> {
  const said = messageOf(start);
  const manual = said?.type === 'listen' && said.state === 'start' && said.mode === 'manual';
  let packets: Uint8Array[] = [];
  while (manual || packets.length < settings.utterancePackets) {
    const heard = await session.next(() => true, Number.POSITIVE_INFINITY);
    if (heard.kind === 'binary') packets.push(heard.bytes);
    else if (isAbort(heard)) return undefined;
    else if (isListenStart(heard)) packets = [];
    else if (heard.message?.type === 'listen' && heard.message.state === 'stop') break;
    else askTools(session, heard);
  }
  return packets;
}

export function conversation(
  changes: Partial<Parts> = {},
  admit?: Admit,
): (options?: FaultOptions) => Script {
  const parts: Parts = { ...good, ...changes };
  return (options = {}) => {
    const settings = { ...DEFAULTS, ...options };
    async function script(session: Session): Promise<void> {
      await parts.greet(session);
      for (;;) {
        const start = await parts.await(session, settings);
        if (start === undefined) return;
        const heard = await utterance(session, start, settings);
        if (heard === undefined) {
          parts.aborted(session);
          continue;
        }
        const packets = settings.answer ?? heard;
        if (!(await parts.understood(session, heard, packets))) continue;
        const interruption = await parts.speak(session, packets, settings);
        if (interruption === undefined) await parts.finish(session, settings);
        else parts.aborted(session);
      }
    }
    return admit === undefined ? script : Object.assign(script, { admit });
  };
}

export async function announce(session: Session, settings: Settings): Promise<void> {
  session.say({ type: 'tts', state: 'start' });
  session.say({ type: 'tts', state: 'sentence_start', text: 'announcement' });
  await session.packets(announcement(settings));
  await session.pause(settings.stopAfterMs);
  session.say({ type: 'tts', state: 'stop' });
}

export const goodConversation = conversation();

/** For those who break off in an answer. */
export function firstHalf(packets: readonly Uint8Array[]): readonly Uint8Array[] {
  return packets.slice(0, Math.ceil(packets.length / 2));
}

/** After the first half of the answer this is done to the session, and nothing more comes. */
export function brokenOffInAnswer(how: (session: Session) => void): (options?: FaultOptions) => Script {
  return conversation({
    async speak(session, packets) {
      await session.packets(firstHalf(packets));
      how(session);
      await leftAlone(session);
      return undefined;
    },
  });
}
