// A microphone that is kept open: a word begun before the press is heard from its beginning on, and nothing leaves the
// process without a press. The real daemon on a real audio path.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { likeness, utterance } from '../helpers/same-sound.ts';
import { breaksOf, Stage, type Told } from './breaks.ts';

const UTTERANCE_MS = 2_000;
/** Less than the 300 ms that are kept by default. */
const LEAD_MS = 200;
const [unbroken] = breaksOf(UTTERANCE_MS);

describe('somebody who begins to speak before their finger is down', () => {
  let stage: Stage;
  let told: readonly Told[];

  before(async () => {
    stage = await Stage.open();
    assert.ok(unbroken !== undefined);
    await stage.add({ ...unbroken, name: 'warm' }, { 'audio.input.standby': 'warm' });
    await stage.add({ ...unbroken, name: 'closed' });
    await stage.add(
      { ...unbroken, name: 'warm, nothing kept' },
      { 'audio.input.standby': 'warm', 'audio.input.preroll_ms': '0' },
    );
    told = await stage.say(utterance(UTTERANCE_MS), LEAD_MS);
  });
  after(() => stage.close());

  const likenessOf = (name: string) => {
    const one = told.find((other) => other.name === name);
    assert.ok(one !== undefined);
    return { one, found: likeness(one.said, one.heard) };
  };

  it('is heard from the beginning on by a warm microphone, and nothing was sent before the press', () => {
    const { one, found } = likenessOf('warm');
    assert.deepEqual([found.lostMs, found.cutMs, found.putInMs], [0, 0, 0], JSON.stringify(found));
    const [session] = one.sessions;
    const first = session?.received.findIndex(({ kind }) => kind === 'binary') ?? -1;
    const start = session?.received.findIndex(
      (heard) => heard.kind === 'text' && heard.text.includes('"state":"start"'),
    );
    assert.ok(start !== undefined && start >= 0 && first > start, 'speech only after listen start');
  });

  it('is not by one that is opened at the press, or keeps nothing', () => {
    for (const name of ['closed', 'warm, nothing kept']) {
      const { found } = likenessOf(name);
      assert.ok(found.lostMs >= LEAD_MS / 2, `${name}: ${JSON.stringify(found)}`);
      assert.equal(found.losses[0] !== undefined && found.losses.length, 1, 'and only there');
    }
  });
});
