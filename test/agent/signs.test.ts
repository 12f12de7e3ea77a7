// The whole agent with a light and sounds: both follow a conversation from the press to the end, and go with the box. A
// simulated microphone that is never silent shows what is cut from it for a cue.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { soundFiles } from '../../src/adapters/linux/sound-files.ts';
import type { AgentParts } from '../../src/agent.ts';
import { RHYTHMS, SIGNS, type Sign } from '../../src/core/light.ts';
import type { Look } from '../../src/ports.ts';
import { type AgentRig, agentRig, SPEAKER_HZ } from '../helpers/agent-rig.ts';
import { keptLog, until } from '../helpers/card.ts';
import { greeting } from '../helpers/good-conversation.ts';
import { soundCodec, tonePackets } from '../helpers/opus-sound.ts';
import { type ScriptedServer, startScriptedServer } from '../helpers/scripted-server.ts';
import { measure, rms } from '../helpers/tone.ts';

type Signs = Required<Pick<AgentParts, 'lamp' | 'chimes'>>;

function signs(cutOverlap: boolean): Signs & { readonly shown: Sign[] } {
  const shown: Sign[] = [];
  const show = ({ rhythm }: Look) => {
    const sign = SIGNS.find((one) => RHYTHMS[one] === rhythm);
    if (sign !== undefined) shown.push(sign);
  };
  return {
    shown,
    lamp: {
      light: { means: 'a light', start: () => undefined, show, stop: () => shown.push('idle') },
      policy: () => ({ theme: 'speaker', brightness: 1, night: null, nightBrightness: 1 }),
    },
    chimes: {
      sounds: soundFiles({ rateHz: SPEAKER_HZ, log: keptLog() }),
      policy: () => ({ gain: 1, off: [], language: 'en' }),
      cutOverlap,
    },
  };
}

describe('a conversation with a light and sounds', () => {
  let server: ScriptedServer;
  before(async () => {
    server = await startScriptedServer(greeting);
  });
  after(() => server.stop());
  const session = () => {
    const last = server.sessions.at(-1);
    if (last === undefined) throw new Error('no session');
    return last;
  };

  it('is seen and heard from the press to the end', async () => {
    const { shown, ...parts } = signs(false);
    const rig = agentRig(server.url, { turn: { followUp: false } }, 2_000, { signs: parts });
    await rig.linkIs('ready');
    rig.press();
    await rig.turnIs('listening');
    session().say({ type: 'stt', text: 'hm' });
    session().say({ type: 'tts', state: 'start' });
    await session().packets(tonePackets(300, 60));
    session().say({ type: 'tts', state: 'stop' });
    await until(() => rig.agent.state.turn.phase === 'idle', 'the end of the answer');
    assert.deepEqual(shown, ['connecting', 'idle', 'listening', 'thinking', 'speaking', 'idle']);
    assert.deepEqual(rig.cues, ['ready', 'listen', 'heard']);
    assert.ok(rms(rig.speaker.played()) > 1_000);
    rig.stop();
    assert.equal(shown.at(-1), 'idle');
    assert.equal(rig.speaker.isRunning, false, 'nothing is left sounding');
  });

  it('is none for a box that belongs to nobody: it shows that, and speaks its code, digit by digit', async () => {
    const { shown, ...parts } = signs(false);
    const changes = { configured: false, setup: { asks: true } };
    const rig = agentRig(server.url, changes, 2_000, { signs: parts });
    const unbound = { type: 'setup.activating', message: '', challenge: null } as const;
    const heardOf = async (code: string) => {
      const from = rig.speaker.played().length;
      rig.agent.dispatch({ ...unbound, code });
      await until(() => rig.speaker.played().length > from, `${code} begins`);
      await until(() => !rig.speaker.isRunning, `${code} is said`);
      return measure(rig.speaker.played().subarray(from), SPEAKER_HZ).loudMs;
    };
    const [one, three] = [await heardOf('7'), await heardOf('777')];
    const digitMs = (three - one) / 2;
    assert.ok(one > digitMs && digitMs > 150, `${one} and ${three} ms: a tune, and a digit after the other`);
    assert.equal(shown.at(-1), 'activating');
    rig.stop();
  });

  for (const [what, cutOverlap] of [
    ['whole, the cue in it', false],
    ['without the length of the cue, where that is asked for', true],
  ] as const)
    it(`reaches the server ${what}`, async () => {
      const { shown: _unseen, ...parts } = signs(cutOverlap);
      const rig: AgentRig = agentRig(server.url, {}, 2_000, { signs: parts });
      await rig.linkIs('ready');
      rig.press();
      const packets = () =>
        session().received.flatMap((heard) => (heard.kind === 'binary' ? [heard.bytes] : []));
      await until(() => packets().length >= 5, 'speech');
      rig.stop();
      const decoder = soundCodec().decoder(16_000);
      const pcm = Buffer.concat(packets().map((packet) => decoder.decode(packet) ?? new Uint8Array(0)));
      // The codec's own delay is some milliseconds: both ends of the cut are given 20.
      const [during, later] = [rms(pcm.subarray(20 * 32, 90 * 32)), rms(pcm.subarray(190 * 32, 290 * 32))];
      assert.ok(later > 2_000, `${later}`);
      if (cutOverlap) assert.ok(during < later / 10, `${during} of ${later}`);
      else assert.ok(during > later / 3, `${during} of ${later}`);
    });
});
