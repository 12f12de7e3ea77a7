// The calls behind the setup, without a network: what is asked, what becomes of answers, what is kept, and what people see.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { signed } from '../../src/adapters/linux/board-key.ts';
import type { Event } from '../../src/core/events.ts';
import { KnownServer } from '../../src/known-server.ts';
import type { WebAnswer, WebQuestion } from '../../src/ports.ts';
import { SetupCalls } from '../../src/setup-calls.ts';
import { keptLog } from '../helpers/card.ts';
import { KeptStore } from '../helpers/kept-store.ts';

const OWN = 'http://192.168.1.20:8003/xiaozhi/ota/';
const HERE = { url: 'ws://192.168.1.20:8000/', token: 'one', framing: 1 } as const;

type Given = { readonly serial: string | null; readonly key: string };

function rig({ serial = null, key = '0123456789abcdef0123456789abcdef\n' }: Partial<Given> = {}) {
  const questions: { question: WebQuestion; answer: (answer: WebAnswer) => void; cancelled: boolean }[] = [];
  const events: Event[] = [];
  const posts: (string | null)[] = [];
  const log = keptLog();
  const known = new KnownServer({
    store: new KeptStore(),
    log,
    asked: OWN,
    writtenUrl: '',
    framing: 1,
    hasToken: false,
    mayMoveByHttp: true,
  });
  const folder = mkdtempSync(join(tmpdir(), 'xz-'));
  const keyFile = join(folder, 'key');
  writeFileSync(keyFile, key);
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
    caFile: '/the/ca.pem',
    caller: () => ({
      deviceId: 'd8:3a:dd:00:00:01',
      clientId: 'c',
      language: 'en-US',
      version: '1',
      serial,
      ip: '',
    }),
    sign: (challenge) => signed(keyFile, challenge),
    known,
    blanked: (text) => text.replaceAll('one', '…'),
    log,
    post: (code) => posts.push(code),
  });
  const follow = (call: Parameters<SetupCalls['follow']>[0]) =>
    calls.follow(call, (event) => events.push(event));
  /** One call, and the events that its answer makes. */
  const answered = (call: number, answer: WebAnswer): readonly Event[] => {
    const before = events.length;
    follow({ call, what: 'configuration' });
    questions.at(-1)?.answer(answer);
    return events.slice(before);
  };
  return {
    calls,
    known,
    keyFile,
    questions,
    events,
    posts,
    log,
    follow,
    answered,
    remove: () => rmSync(folder, { recursive: true }),
  };
}

const said = (answer: object): WebAnswer => ({ ok: true, status: 200, text: JSON.stringify(answer) });
/** Of a setup that never had an answer. */
const NEVER = { answeredAt: null, triedAt: null, ungreeted: null } as const;
const ACTIVATION = { code: '738133', message: 'console', challenge: 'c' };

describe('the calls of the setup', () => {
  it('run one at a time, and what is given up reports nothing', (t) => {
    const { follow, questions, events, remove } = rig();
    t.after(remove);
    follow({ call: 1, what: 'configuration' });
    follow({ call: 1, what: 'configuration' });
    assert.equal(questions.length, 1);
    assert.equal(questions[0]?.cancelled, false);
    const { url, deadlineMs, caFile } = questions[0]?.question ?? {};
    assert.deepEqual([url, deadlineMs, caFile], [OWN, 10_000, '/the/ca.pem']);
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
      const { follow, questions, events, remove } = rig({ serial });
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
      ...NEVER,
      call: 1,
      failures: 0,
      code: '738133',
      message: 'xiaozhi.me',
      challenge: null,
      polls: 0,
      step: { doing: 'polling' },
    } as const;
    calls.tell({ phase: 'asking', ...NEVER, call: 1, failures: 0, why: null });
    calls.tell(activating);
    calls.tell({ ...activating, polls: 1 });
    calls.tell({ phase: 'done', ...NEVER, call: 1 });
    assert.deepEqual(posts, [null, '738133', null], 'what an earlier run has left goes first');
    assert.equal(log.lines.filter(({ text }) => text.includes('738133')).length, 1);
  });

  it('put a code into the file without what would steer a terminal', (t) => {
    const { answered, calls, posts, remove } = rig();
    t.after(remove);
    const [event] = answered(
      1,
      said({ activation: { ...ACTIVATION, code: '12\u001b[2J\r\n34\u0000\u009b5' } }),
    );
    assert.ok(event?.type === 'setup.activating');
    assert.equal(event.code, '12[2J345');
    const unbound = {
      phase: 'activating',
      ...NEVER,
      call: 1,
      failures: 0,
      polls: 0,
      step: { doing: 'polling' },
    } as const;
    calls.tell({ ...unbound, code: event.code, message: '', challenge: null });
    assert.deepEqual(posts, ['12[2J345']);
    assert.deepEqual(
      answered(2, said({ activation: { ...ACTIVATION, code: '\n' } })).map(
        (one) => 'code' in one && one.code,
      ),
      [''],
    );
  });

  it('take a server that comes with an activation for the one to come, and hand on what is to be told', (t) => {
    const { answered, known, remove } = rig();
    t.after(remove);
    assert.deepEqual(answered(1, said({ activation: ACTIVATION, websocket: HERE })), [
      { type: 'setup.activating', ...ACTIVATION },
    ]);
    assert.equal(known.url, HERE.url);
    assert.deepEqual(answered(2, said({ activation: { challenge: 'd' } })), [
      { type: 'setup.activating', code: '', message: '', challenge: 'd' },
    ]);
  });

  it('report that the box is sent to another server before what else was answered, and not of the first', (t) => {
    const { answered, remove } = rig();
    t.after(remove);
    const moved = { ...HERE, url: 'ws://192.168.1.21:8000/' };
    const types = (...given: Parameters<typeof answered>) => answered(...given).map(({ type }) => type);
    assert.deepEqual(types(1, said({ websocket: HERE })), ['setup.done']);
    assert.deepEqual(types(2, said({ websocket: { ...HERE, token: 'new' } })), ['setup.done']);
    assert.deepEqual(types(3, said({ websocket: moved })), ['server.moved', 'setup.done']);
    assert.deepEqual(types(4, said({ websocket: HERE, activation: ACTIVATION })), [
      'server.moved',
      'setup.activating',
    ]);
  });

  it('take a poll that was not answered for trouble, not for a word of the server', (t) => {
    const { follow, questions, events, remove } = rig();
    t.after(remove);
    follow({ call: 1, what: 'activation', challenge: null });
    questions[0]?.answer({ ok: false, reason: 'connect ECONNREFUSED' });
    assert.deepEqual(events, [{ type: 'setup.polled', result: 'failed' }]);
  });

  it('ask without a proof when the key cannot be read, and say why', (t) => {
    const { follow, questions, log, remove } = rig({ serial: 's'.repeat(32), key: ' \n' });
    t.after(remove);
    follow({ call: 1, what: 'activation', challenge: 'c' });
    assert.equal(questions[0]?.question.body, '{}');
    const [line] = log.lines.filter(({ level }) => level === 'error');
    assert.match(JSON.stringify(line?.fields), /key is empty/);
  });

  it('say once what keeps the key from being read, show it as long as it does, and no longer', (t) => {
    const given = { serial: 's'.repeat(32), key: '\n' };
    const { calls, follow, log, answered, keyFile, questions, remove } = rig(given);
    t.after(remove);
    answered(1, said({ activation: ACTIVATION }));
    for (const call of [2, 3, 4]) follow({ call, what: 'activation', challenge: 'c' });
    assert.equal(log.lines.filter(({ level }) => level === 'error').length, 1);
    assert.match(calls.trouble ?? '', /the key of the serial number cannot be read: .*key is empty/);
    writeFileSync(keyFile, 'secret\n');
    follow({ call: 5, what: 'activation', challenge: 'c' });
    assert.equal(calls.trouble, null);
    assert.match(questions.at(-1)?.question.body ?? '', /hmac/);
  });

  it('prove nothing where the server has given nothing to sign, and call that no fault', (t) => {
    const { follow, questions, log, remove } = rig({ serial: 's'.repeat(32) });
    t.after(remove);
    follow({ call: 1, what: 'activation', challenge: null });
    assert.equal(questions[0]?.question.body, '{}');
    assert.deepEqual(log.lines, []);
  });

  it('put no code where there is none to enter, and say when the activation is over', (t) => {
    const { calls, posts, log, remove } = rig();
    t.after(remove);
    const unbound = {
      phase: 'activating',
      ...NEVER,
      call: 1,
      failures: 0,
      code: '',
      message: '',
      challenge: 'c',
      polls: 0,
      step: { doing: 'polling' },
    } as const;
    calls.tell(unbound);
    calls.tell({ phase: 'done', ...NEVER, call: 2 });
    assert.deepEqual(posts, [null, null]);
    assert.deepEqual(
      log.lines.filter(({ level }) => level === 'warn').map(({ text }) => text),
      ['activation: the server wants no code but a serial number'],
    );
    assert.ok(log.lines.some(({ text }) => text.includes('activation is over')));
  });
});
