// Names and addresses: one question at a time, patience with a bound, and the address that worked last. On a clock moved
// by hand and a resolver that answers when it is told to; at the end through the real dialler.
import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { beforeEach, describe, it } from 'node:test';
import { clock } from '../../../src/adapters/linux/clock.ts';
import { type Found, NameLookup, type Resolve } from '../../../src/adapters/linux/name-lookup.ts';
import { wsDialer } from '../../../src/adapters/linux/ws-socket.ts';
import { until } from '../../helpers/card.ts';
import { type HandClock, handClock } from '../../helpers/hand-clock.ts';
import { against, dial, lossOf, opened, quiet } from './dialling.ts';

const v4 = (address: string): LookupAddress => ({ address, family: 4 });
const v6 = (address: string): LookupAddress => ({ address, family: 6 });
const dnsError = (code: string) => Object.assign(new Error(`getaddrinfo ${code}`), { code });

describe('a look-up', () => {
  let time: HandClock;
  let names: NameLookup;
  let questions: { name: string; answer: Parameters<Resolve>[1] }[];
  beforeEach(() => {
    time = handClock();
    questions = [];
    names = new NameLookup({ clock: time, resolve: (name, answer) => questions.push({ name, answer }) });
  });

  async function find(name = 'box.test') {
    const found: Found[] = [];
    const cancel = names.find(name, (one) => found.push(one));
    assert.deepEqual(found, [], 'not before it returns');
    await new Promise((resolve) => process.nextTick(resolve));
    return { found, cancel };
  }

  function answer(error: Error | null, ...addresses: LookupAddress[]): void {
    const question = questions.shift();
    assert.ok(question, 'nobody asked');
    question.answer(error, addresses);
  }

  it('asks once for any number of dials, and answers all of them', async () => {
    const [first, second] = [await find(), await find()];
    assert.equal(questions.length, 1);
    answer(null, v6('::9'), v4('192.0.2.1'));
    for (const { found } of [first, second])
      assert.deepEqual(found, [{ addresses: [v6('::9'), v4('192.0.2.1')] }]);
    assert.equal(time.pending(), 0);
  });

  it('of another name is another question', async () => {
    await find();
    await find('other.test');
    assert.deepEqual(
      questions.map(({ name }) => name),
      ['box.test', 'other.test'],
    );
  });

  it('that fails with nothing to fall back on says what the resolver said', async () => {
    const { found } = await find();
    const error = dnsError('ENOTFOUND');
    answer(error);
    assert.deepEqual(found, [{ failed: error }]);
    await find();
    assert.equal(questions.length, 1, 'the next one asks again');
  });

  it('waits as long as it takes when no address is known', async () => {
    const { found } = await find();
    time.advance(60_000);
    assert.deepEqual(found, []);
    answer(null, v4('192.0.2.1'));
    assert.deepEqual(found, [{ addresses: [v4('192.0.2.1')] }]);
  });

  const FAILURES = [
    ['ENOTFOUND', 'the name box.test cannot be found'],
    ['EAI_AGAIN', 'no answer from the name service for box.test'],
  ] as const;
  for (const [code, doubt] of FAILURES)
    it(`that fails with ${code} gives the address that worked last, and says why`, async () => {
      names.worked('box.test', '192.0.2.7');
      const { found } = await find();
      answer(dnsError(code));
      assert.deepEqual(found, [{ addresses: [v4('192.0.2.7')], doubt }]);
      assert.equal(time.pending(), 0);
    });

  it('that is not answered within 1.5 s gives the address that worked last', async () => {
    names.worked('box.test', '2001:db8::7');
    const { found } = await find();
    time.advance(1_499);
    assert.deepEqual(found, []);
    time.advance(1);
    const doubt = 'no answer from the name service for box.test';
    assert.deepEqual(found, [{ addresses: [v6('2001:db8::7')], doubt }]);
    answer(null, v4('192.0.2.1'));
    assert.equal(found.length, 1, 'a late answer is not a second one');
  });

  it('that is answered late serves the next dial without a question, once and for a minute', async () => {
    names.worked('box.test', '192.0.2.7');
    await find();
    time.advance(1_500);
    answer(null, v4('192.0.2.1'));
    time.advance(60_000);
    const next = await find();
    time.advance(0);
    assert.deepEqual(next.found, [{ addresses: [v4('192.0.2.1')] }]);
    assert.equal(questions.length, 0);
    await find();
    assert.equal(questions.length, 1, 'used up');
    time.advance(1_500);
    answer(null, v4('192.0.2.1'));
    time.advance(60_001);
    await find();
    assert.equal(questions.length, 1, 'too old');
  });

  it('that was given up is joined by the next dial, not asked beside it', async () => {
    const { found, cancel } = await find();
    cancel();
    const next = await find();
    assert.equal(questions.length, 1);
    answer(null, v4('192.0.2.1'));
    assert.deepEqual([found, next.found.length], [[], 1]);
    assert.equal(time.pending(), 0);
  });

  it('cancelled while it waits or has its answer ready says nothing', async () => {
    names.worked('box.test', '192.0.2.7');
    const waiting = await find();
    waiting.cancel();
    assert.equal(time.pending(), 0);
    answer(null, v4('192.0.2.1'));
    const ready = await find();
    ready.cancel();
    time.advance(60_000);
    assert.deepEqual([waiting.found, ready.found], [[], []]);
  });

  it('puts first the address that worked last, then its family', async () => {
    names.worked('box.test', '192.0.2.2');
    const { found } = await find();
    answer(null, v6('::9'), v4('192.0.2.1'), v6('::8'), v4('192.0.2.2'));
    const order = [v4('192.0.2.2'), v4('192.0.2.1'), v6('::9'), v6('::8')];
    assert.deepEqual(found, [{ addresses: order }]);
  });

  it('remembers eight names and forgets the one it met first', async () => {
    for (let i = 0; i < 9; i += 1) names.worked(`box${i}.test`, '192.0.2.7');
    const [first, second] = [await find('box0.test'), await find('box1.test')];
    time.advance(1_500);
    assert.deepEqual([first.found.length, second.found.length], [0, 1]);
  });
});

describe('a dial by name', () => {
  const lookupOf = (answers: (LookupAddress[] | string | 'silence')[], asked: string[]): Resolve => {
    return (name, answer) => {
      asked.push(name);
      const next = answers.shift();
      if (typeof next === 'object') answer(null, next);
      else if (next !== undefined && next !== 'silence') answer(dnsError(next), []);
    };
  };

  it('opens with the address that worked last when the name service is gone, still under its name', () =>
    against(quiet, async (url, session) => {
      const asked: string[] = [];
      const lookup = lookupOf([[v4('127.0.0.1')], 'EAI_AGAIN'], asked);
      const dialer = wsDialer({ clock, lookup });
      const named = url.replace('127.0.0.1', 'box.test');
      for (let round = 0; round < 2; round += 1) {
        const dialled = await opened(dial(named, {}, dialer));
        dialled.socket.terminate();
      }
      assert.deepEqual(asked, ['box.test', 'box.test']);
      assert.equal(session().headers.host, new URL(named).host);
    }));

  it('opens with it when the name service is silent', () =>
    against(quiet, async (url) => {
      const asked: string[] = [];
      const time = handClock();
      const dialer = wsDialer({
        clock: time,
        lookup: lookupOf([[v4('127.0.0.1')], 'silence', 'silence'], asked),
      });
      const named = url.replace('127.0.0.1', 'box.test');
      (await opened(dial(named, {}, dialer))).socket.terminate();
      const dialled = dial(named, {}, dialer);
      await until(() => asked.length === 2, 'asked');
      time.advance(1_500);
      (await opened(dialled)).socket.terminate();
      assert.equal(time.pending(), 0);
      // The silence goes on, and this one does not wait for the end of it.
      const givenUp = dial(named, {}, dialer);
      await until(() => time.pending() === 2, 'its deadline and its patience');
      givenUp.socket.terminate();
      await until(() => time.pending() === 0, 'no timer');
    }));

  it('that fails with an old address says both', async () => {
    const lookup = lookupOf([[v4('127.0.0.1')], 'ENOTFOUND'], []);
    const dialer = wsDialer({ clock, lookup });
    let named = '';
    await against(quiet, async (url) => {
      named = url.replace('127.0.0.1', 'box.test');
      (await opened(dial(named, {}, dialer))).socket.terminate();
    });
    const loss = await lossOf(dial(named, {}, dialer));
    assert.match(
      loss.reason,
      /^127\.0\.0\.1:\d+ refuses the connection \(ECONNREFUSED\); the name box\.test cannot/,
    );
    assert.deepEqual([loss.class, loss.quick], ['transient', true]);
  });

  it('to a literal address asks nobody', () =>
    against(quiet, async (url) => {
      const asked: string[] = [];
      const dialer = wsDialer({ clock, lookup: lookupOf([], asked) });
      (await opened(dial(url, {}, dialer))).socket.terminate();
      await lossOf(dial('ws://[::1]:1/', {}, dialer));
      assert.deepEqual(asked, []);
    }));

  it('to localhost works with the system’s own resolver', () =>
    against(quiet, async (url) => {
      (await opened(dial(url.replace('127.0.0.1', 'localhost')))).socket.terminate();
    }));
});
