// The whole agent in this process against a real server on loopback: real sockets, real codec, real clock; microphone
// and speaker simulated, so that what was heard can be measured sample by sample.
import { clock } from '../../src/adapters/linux/clock.ts';
import { evanCodec } from '../../src/adapters/linux/evan-codec.ts';
import { wsDialer } from '../../src/adapters/linux/ws-socket.ts';
import { simMicrophone } from '../../src/adapters/sim/sim-microphone.ts';
import { simSpeaker } from '../../src/adapters/sim/sim-speaker.ts';
import { Agent } from '../../src/agent.ts';
import type { Cue } from '../../src/core/events.ts';
import { type PolicyChanges, policy } from './box.ts';
import { keptLog, until } from './card.ts';
import { voice } from './opus-sound.ts';

export const SPEAKER_HZ = 24_000;

export type AgentRig = Awaited<ReturnType<typeof agentRig>>;

/** Backoff and limits in tenths of a second, so that a test sees several attempts. */
const QUICK: NonNullable<PolicyChanges['link']> = {
  backoffBaseMs: 50,
  backoffCapMs: 200,
  firstRetryMs: 20,
  connectTimeoutMs: 2_000,
  helloTimeoutMs: 500,
};

export function agentRig(url: string, changes: PolicyChanges = {}, deadlineMs = 2_000) {
  const codec = evanCodec();
  if ('missing' in codec) throw new Error(codec.missing);
  const log = keptLog();
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
    server: {
      url,
      headers: {
        Authorization: 'Bearer test-token',
        'Protocol-Version': '1',
        'Device-Id': '02:00:00:00:00:01',
        'Client-Id': '7b0a1c7e-5f0e-4c53-9a59-0d4f3c1f6a10',
      },
      deadlineMs,
      framing: 1,
      device: { name: 'xiaozhi-agent', version: '0.0.0' },
    },
    clock,
    log,
    dialer: wsDialer({ clock }),
    microphone,
    speaker,
    codec,
    encoder: { bitrateBps: 24_000, complexity: 0 },
    jitterMs: 160,
    cue: (cue) => cues.push(cue),
  });
  agent.dispatch({ type: 'agent.started' });
  return {
    agent,
    log,
    cues,
    speaker,
    microphone,
    press: () => agent.dispatch({ type: 'press.asked' }),
    linkIs: (phase: string) => until(() => agent.state.link.phase === phase, `link ${phase}`),
    turnIs: (phase: string) => until(() => agent.state.turn.phase === phase, `turn ${phase}`),
    stop: () => agent.dispatch({ type: 'shutdown.asked' }),
  };
}
