// What the requests about sound on the control socket do: volume, a look at the microphone, a tone. The daemon owns the
// devices; whoever asks borrows them through it.
import type { ControlAnswer, ControlRequest } from '../adapters/linux/control-socket.ts';
import type { Agent } from '../agent.ts';
import { tonePcm } from '../audio/tone.ts';
import { TONE } from './tone-bounds.ts';

export function volumeAnswer({ to, by }: ControlRequest, agent: Agent): ControlAnswer {
  if (to !== undefined && by !== undefined) return { ok: false, error: 'either to or by, not both' };
  if (to !== undefined) {
    if (typeof to !== 'number' || !Number.isInteger(to) || to < 0 || to > 100)
      return { ok: false, error: 'to must be a whole number from 0 to 100' };
    agent.dispatch({ type: 'volume.asked', to });
  }
  if (by !== undefined) {
    if (typeof by !== 'number' || !Number.isInteger(by) || Math.abs(by) > 100)
      return { ok: false, error: 'by must be a whole number from -100 to 100' };
    agent.dispatch({ type: 'volume.asked', by });
  }
  return { ok: true, volume: agent.state.volume, by: agent.loudness.status().by };
}

/** Asked several times a second; the microphone stays open as long as it is. */
export function meterAnswer(agent: Agent): ControlAnswer {
  // Whoever has muted the box relies on it, whoever asks.
  if (agent.state.muted) return { ok: false, error: 'the box is muted: xiaozhi-agent mute off' };
  agent.dispatch({ type: 'meter.asked' });
  const { peakDb, averageDb, clippedSamples, trouble } = agent.preamp.level;
  return {
    ok: true,
    device: agent.preamp.device,
    gain_db: agent.preamp.gainDb,
    peak_db: peakDb,
    average_db: averageDb,
    clipped_samples: clippedSamples,
    trouble,
  };
}

export function toneAnswer(
  { hz = TONE.hz.usual, ms = TONE.ms.usual }: ControlRequest,
  agent: Agent,
): ControlAnswer {
  if (typeof hz !== 'number' || !(hz >= TONE.hz.least && hz <= TONE.hz.most))
    return { ok: false, error: `hz must be a number from ${TONE.hz.least} to ${TONE.hz.most}` };
  if (typeof ms !== 'number' || !(ms >= TONE.ms.least && ms <= TONE.ms.most))
    return { ok: false, error: `ms must be a number from ${TONE.ms.least} to ${TONE.ms.most}` };
  const { desk, loudness } = agent;
  desk.play([{ pcm: tonePcm(hz, ms, desk.rateHz), gain: loudness.factor }]);
  return { ok: true, device: agent.downlink.status().device, volume: agent.state.volume };
}
