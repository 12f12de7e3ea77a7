// The calls behind the setup, without a network: what is asked, what becomes of answers, what is kept, and what people see.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { signed } from '../../src/adapters/linux/board-key.ts';
import type { Event } from '../../src/core/events.ts';
import { KnownServer } from '../../src/known-server.ts';
import type { Store, WebAnswer, WebQuestion } from '../../src/ports.ts';
import { SetupCalls } from '../../src/setup-calls.ts';
import { keptLog } from '../helpers/card.ts';

const OWN = 'http://192.168.1.20:8003/xiaozhi/ota/';
const HERE = { url: 'ws://192.168.1.20:8000/', token: 'one', framing: 1 } as const;
const THERE = { url: 'ws://6.6.6.6:8000/', token: 'two', framing: 1 } as const;

function storeOf(value: object = {}): Store & { readonly kept: object } {
  let kept = value;
  return {
    read: () => kept,
    setAside: () => undefined,
    write: (next) => {
      kept = next;
    },
    writeNow: () => undefined,
    get kept() {
      return kept;
    },
  };
}

function known(store: Store, more: { asked?: string; writtenUrl?: string; mayMoveByHttp?: boolean } = {}) {
  const log = keptLog();
  const server = new KnownServer({
    store,
    log,
    asked: OWN,
    writtenUrl: '',
    framing: 1,
    mayMoveByHttp: false,
    ...more,
  });
  return { server, log };
}

function rig(serial: string | null = null) {
  const questions: { question: WebQuestion; answer: (answer: WebAnswer) => void; cancelled: boolean }[] = [];
  const events: Event[] = [];
  const posts: (string | null)[] = [];
  const { server, log } = known(storeOf());
  const folder = mkdtempSync(join(tmpdir(), 'xz-'));
  const keyFile = join(folder, 'key');
  writeFileSync(keyFile, '0123456789abcdef0123456789abcdef\n');
  const calls = new SetupCalls({
    web: {
      ask(question, on) {
        const one = { question, answer: on.answered, cancelled: false };
        questions.push(one);
        return () => {
          one.cancelled = true;
        };
      },
    },
    url: OWN,
    caller: () => ({
      deviceId: 'd8:3a:dd:00:00:01',
      clientId: 'c',
      language: 'en-US',
      version: '1',
      serial,
      ip: '',
    }),
    sign: (challenge) => signed(keyFile, challenge),
    known: server,
    log,
    post: (code) => posts.push(code),
  });
  const follow = (call: Parameters<SetupCalls['follow']>[0]) =>
    calls.follow(call, (event) => events.push(event));
  return { calls, questions, events, posts, log, follow, remove: () => rmSync(folder, { recursive: true }) };
}

describe('the calls of the setup', () => {
  it('run one at a time, and what is given up reports nothing', (t) => {
    const { follow, questions, events, remove } = rig();
    t.after(remove);
    follow({ call: 1, what: 'configuration' });
    follow({ call: 1, what: 'configuration' });
    assert.equal(questions.length, 1);
    follow(null);
    assert.equal(questions[0]?.cancelled, true);
    questions[0]?.answer({ ok: true, status: 200, text: '{}' });
    assert.deepEqual(events, []);
  });

  it('make facts of answers, and say each trouble once', (t) => {
    const { follow, questions, events, calls, log, remove } = rig();
    t.after(remove);
    for (const call of [1, 2]) {
      follow({ call, what: 'configuration' });
      questions.at(-1)?.answer({ ok: false, reason: 'connect ECONNREFUSED' });
    }
    assert.equal(calls.trouble, 'connect ECONNREFUSED');
    assert.equal(log.lines.filter(({ level }) => level === 'warn').length, 1);
    follow({ call: 3, what: 'configuration' });
    questions.at(-1)?.answer({ ok: true, status: 200, text: JSON.stringify({ websocket: HERE }) });
    assert.equal(calls.trouble, null);
    assert.deepEqual(events.at(-1), { type: 'setup.done', changed: true });
    follow({ call: 4, what: 'configuration' });
    questions.at(-1)?.answer({ ok: true, status: 200, text: JSON.stringify({ websocket: HERE }) });
    assert.deepEqual(events.at(-1), { type: 'setup.done', changed: false });
    assert.equal(JSON.stringify(log.lines).includes('"one"'), false, 'a token in the log');
  });

  it('ask about the code in version 1 with nothing, in version 2 with the proof of the test vector', (t) => {
    const challenge = 'ee2af2f0-0ca0-45f2-8b8c-6f34edd62156';
    for (const [serial, body] of [
      [null, /^\{\}$/],
      ['s'.repeat(32), /"hmac":"e50c7fb382591e289952e8f8e2488248259cd89d5ff756fc44c426b3a8658519"/],
    ] as const) {
      const { follow, questions, events, remove } = rig(serial);
      t.after(remove);
      follow({ call: 1, what: 'activation', challenge });
      assert.equal(questions[0]?.question.url, `${OWN}activate`);
      assert.match(questions[0]?.question.body ?? '', body);
      questions[0]?.answer({ ok: true, status: 202, text: '' });
      assert.deepEqual(events, [{ type: 'setup.polled', result: 'pending' }]);
    }
  });

  it('put the code where people find it, once, and take it away again', (t) => {
    const { calls, posts, log, remove } = rig();
    t.after(remove);
    const activating = {
      phase: 'activating',
      call: 1,
      failures: 0,
      code: '738133',
      message: 'xiaozhi.me',
      challenge: null,
      polls: 0,
      step: { doing: 'polling' },
    } as const;
    calls.tell({ phase: 'asking', call: 1, failures: 0 });
    calls.tell(activating);
    calls.tell({ ...activating, polls: 1 });
    calls.tell({ phase: 'done', call: 1 });
    assert.deepEqual(posts, [null, '738133', null], 'what an earlier run has left goes first');
    assert.equal(log.lines.filter(({ text }) => text.includes('738133')).length, 1);
  });
});

describe('the known server', () => {
  it('is that of the last good answer, and outlives the process beside the identity', () => {
    const store = storeOf({ device_id: 'd' });
    assert.equal(known(store).server.take(HERE), true);
    assert.equal((store.kept as { device_id?: string }).device_id, 'd');
    const { server } = known(store);
    assert.deepEqual([server.url, server.token, server.framing], [HERE.url, HERE.token, 1]);
    assert.equal(
      known(store, { asked: 'https://elsewhere.example/' }).server.url,
      '',
      'of another who is asked',
    );
  });

  it('is what the owner wrote, whatever an answer says', () => {
    const { server } = known(storeOf(), { writtenUrl: 'ws://own:1/' });
    server.take(HERE);
    assert.deepEqual([server.url, server.token], ['ws://own:1/', 'one']);
  });

  it('is not moved by plain http to another host, and that is said', () => {
    const store = storeOf();
    const { server, log } = known(store);
    server.take(HERE);
    assert.equal(server.take(THERE), false);
    assert.deepEqual([server.url, server.token], [HERE.url, HERE.token]);
    assert.ok(log.lines.some(({ text }) => text.includes('not followed')));
    const allowed = known(store, { mayMoveByHttp: true }).server;
    assert.equal(allowed.take(THERE), true);
    assert.equal(allowed.url, THERE.url);
  });

  it('that only Docker can reach is used, and doubted aloud', () => {
    const { server, log } = known(storeOf());
    server.take({ ...HERE, url: 'ws://172.18.0.3:8000/' });
    assert.match(server.doubt ?? '', /inside Docker/);
    assert.equal(log.lines.length, 1);
  });

  for (const broken of [
    null,
    7,
    [],
    { configuration: 7 },
    { configuration: { asked: OWN, url: 7, token: 'x' } },
    { configuration: { asked: OWN, url: 'http://x/', token: '' } },
  ])
    it(`is none when ${JSON.stringify(broken)} is kept`, () => {
      const store = { ...storeOf(), read: () => broken };
      assert.equal(known(store).server.url, '');
    });
});
