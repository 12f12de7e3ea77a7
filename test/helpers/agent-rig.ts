// The whole agent in this process against a real server on loopback: real sockets, real codec, real clock; microphone
// and speaker simulated, so that what was heard can be measured sample by sample.
import { clock as realClock } from '../../src/adapters/linux/clock.ts';
import { evanCodec } from '../../src/adapters/linux/evan-codec.ts';
import { wsDialer } from '../../src/adapters/linux/ws-socket.ts';
import { simMicrophone } from '../../src/adapters/sim/sim-microphone.ts';
import { simSpeaker } from '../../src/adapters/sim/sim-speaker.ts';
import { Agent, type AgentParts } from '../../src/agent.ts';
import type { Cue } from '../../src/core/events.ts';
import type { Lessons } from '../../src/core/lessons.ts';
import type { Link } from '../../src/core/link.ts';
import type { Clock, ClockSync, Dialer, Log } from '../../src/ports.ts';
import { type PolicyChanges, policy } from './box.ts';
import { keptLog, until } from './card.ts';
import { voice } from './opus-sound.ts';

export const SPEAKER_HZ = 24_000;

/** What `Encoder` in src/ports.ts takes. */
const PACKET_MS = 60;
const PACKET_BYTES = 1_920;

export type AgentRig = Awaited<ReturnType<typeof agentRig>>;

/** Backoff and limits in tenths of a second, so that a test sees several attempts. */
const QUICK: NonNullable<PolicyChanges['link']> = {
  backoffBaseMs: 50,
  backoffCapMs: 200,
  firstRetryMs: 20,
  connectTimeoutMs: 2_000,
  helloTimeoutMs: 500,
};

/** What a test may put in the place of the usual parts. */
export type RigParts = {
  /** For the whole box, its sound included. */
  readonly clock?: Clock;
  /** Made of the real one; it may keep reports back. */
  readonly dialer?: (real: Dialer) => Dialer;
  readonly lessons?: Lessons;
  readonly clockSync?: ClockSync;
  /** Without them the box is dark and gives no cue. */
  readonly signs?: Pick<AgentParts, 'lamp' | 'chimes'>;
  /** Instead of the one that keeps everything, for runs too long to be kept. */
  readonly log?: Log;
};

const ENCODING = { bitrateBps: 24_000, complexity: 0 };

function soundCodec() {
  const codec = evanCodec();
  if ('missing' in codec) throw new Error(codec.missing);
  return codec;
}

/** What the box sends of the first sound that its microphone hears. */
export function firstPackets(count: number): readonly Uint8Array[] {
  const encoder = soundCodec().encoder(ENCODING);
  const speech = voice(PACKET_MS * count);
  return Array.from({ length: count }, (_, at) =>
    Uint8Array.from(encoder.encode(speech.subarray(at * PACKET_BYTES, (at + 1) * PACKET_BYTES))),
  );
}

export function agentRig(url: string, changes: PolicyChanges = {}, deadlineMs = 2_000, parts: RigParts = {}) {
  const clock = parts.clock ?? realClock;
  const codec = soundCodec();
  const log = keptLog();
  const links: Link[] = [];
  const watched: Log = {
    ...log,
    debug(fields, text) {
      log.debug(fields, text);
      // The loop says so after each fact, whatever it was.
      if (text === 'step' && agent.state.link !== links.at(-1)) links.push(agent.state.link);
    },
  };
  const cues: Cue[] = [];
  const speaker = simSpeaker(clock, { rateHz: SPEAKER_HZ, rememberMs: 60_000 });
  // A voice without end: the servers of these tests count packets.
  const speech = voice(10_000);
  let at = 0;
  const microphone = simMicrophone(clock, {
    source: (bytes) => {
      const chunk = speech.subarray(at, at + bytes);
      at = (at + bytes) % speech.length;
      return chunk;
    },
  });
  const agent = new Agent({
    policy: policy({ ...changes, link: { ...QUICK, ...changes.link } }),
    server: () => ({
      url,
      headers: () => ({
        Authorization: 'Bearer test-token',
        'Protocol-Version': '1',
        'Device-Id': '02:00:00:00:00:01',
        'Client-Id': '7b0a1c7e-5f0e-4c53-9a59-0d4f3c1f6a10',
      }),
      deadlineMs,
      framing: 1,
      device: { name: 'xiaozhi-agent', version: '0.0.0' },
    }),
    clock,
    log: parts.log ?? watched,
    dialer: (parts.dialer ?? ((real) => real))(wsDialer({ clock })),
    clockSync: parts.clockSync ?? { start() {}, stop() {} },
    ...(parts.lessons === undefined ? {} : { lessons: parts.lessons }),
    ...parts.signs,
    microphone,
    speaker,
    codec,
    encoder: ENCODING,
    jitterMs: 160,
    prerollMs: 300,
    cue: (cue) => cues.push(cue),
  });
  agent.dispatch({ type: 'agent.started' });
  return {
    agent,
    log,
    /** Every value the link has had, in order. */
    links,
    cues,
    speaker,
    microphone,
    press: () => agent.dispatch({ type: 'press.asked' }),
    linkIs: (phase: string) => until(() => agent.state.link.phase === phase, `link ${phase}`),
    turnIs: (phase: string) => until(() => agent.state.turn.phase === phase, `turn ${phase}`),
    stop: () => agent.dispatch({ type: 'shutdown.asked' }),
  };
}
