// Nothing the user said is lost: the real daemon on a real audio path, a 6 s utterance, and every break there is. What the
// microphone got is compared with what the server decoded.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { likeness, utterance } from '../helpers/same-sound.ts';
import { breaksOf, FRAME_MS, packetsAfterStart, Stage, type Told } from './breaks.ts';

const UTTERANCE_MS = 6_000;
const BREAKS = breaksOf(UTTERANCE_MS);
/** How often each utterance had to be sent. */
const SESSIONS: Readonly<Record<string, number>> = {
  'lost 0.5 s into it': 2,
  'lost in the middle of it': 2,
  'lost at its end': 2,
  'lost twice': 3,
  'half-open at the press': 2,
};

describe('a 6 s utterance', () => {
  let stage: Stage;
  const told = new Map<string, Told>();

  before(async () => {
    stage = await Stage.open();
    for (const one of BREAKS) await stage.add(one);
    for (const one of await stage.say(utterance(UTTERANCE_MS))) told.set(one.name, one);
  });
  after(() => stage.close());

  for (const { name } of BREAKS)
    it(`arrives whole, in order and once: ${name}`, () => {
      const one = told.get(name);
      assert.ok(one !== undefined);
      const found = likeness(one.said, one.heard);
      assert.ok(found.comparedMs > 0.95 * UTTERANCE_MS, JSON.stringify(found));
      const { lostMs, cutMs, putInMs } = found;
      assert.deepEqual(
        { lostMs, cutMs, putInMs },
        { lostMs: 0, cutMs: 0, putInMs: 0 },
        JSON.stringify(found),
      );
      assert.equal(one.sessions.length, SESSIONS[name] ?? 1, `${name}\n${one.log}`);
    });

  it('is the same to each server, packet by packet, however often it had to be sent', () => {
    for (const { name, packets, sessions } of told.values())
      for (const { received } of sessions) {
        const earlier = packetsAfterStart(received);
        assert.deepEqual(earlier, packets.slice(0, earlier.length), name);
      }
  });

  it('is no longer than the button was down, and no shorter than what was said', () => {
    for (const { name, packets, log } of told.values()) {
      const [, listenedMs = ''] = /turn over .* listenedMs=(\d+)/.exec(log) ?? [];
      const sentMs = packets.length * FRAME_MS;
      assert.ok(sentMs >= UTTERANCE_MS, `${name}: ${sentMs} ms`);
      assert.ok(sentMs <= Number(listenedMs) + FRAME_MS, `${name}: ${sentMs} ms in ${listenedMs} ms`);
    }
  });
});
