// The toolbox by a clock moved by hand: two at a time, each within its time, one line in the log for each call.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { JsonObject } from '../../src/protocol/messages.ts';
import { type Tool, Toolbox } from '../../src/toolbox.ts';
import { keptLog } from '../helpers/card.ts';
import { handClock } from '../helpers/hand-clock.ts';

const DEVICE = { name: 'xiaozhi-agent', version: '0' };

function rig(more: Pick<Tool, 'atMost'> = {}) {
  const clock = handClock();
  const log = keptLog();
  const replies: JsonObject[] = [];
  const ends: ((result: string | Error) => void)[] = [];
  const slow: Tool = {
    ...more,
    shape: {
      name: 'slow',
      description: '',
      arguments: [{ name: 'text', kind: 'string', preset: '' }],
      audience: 'model',
    },
    run: () =>
      new Promise((resolve, reject) => {
        ends.push((result) => (typeof result === 'string' ? resolve(result) : reject(result)));
      }),
  };
  const box = new Toolbox({ tools: [slow], clock, log });
  const ask = (params: JsonObject | undefined, id = 1) =>
    box.take(
      { jsonrpc: '2.0', id, method: 'tools/call', ...(params === undefined ? {} : { params }) },
      DEVICE,
      (payload) => replies.push(payload),
    );
  const call = (id: number, given: JsonObject = {}) => ask({ name: 'slow', arguments: given }, id);
  return { clock, log, replies, ends, call, ask };
}

describe('the toolbox', () => {
  it('lists the others where one tool is too big for a page, and says which', () => {
    const log = keptLog();
    const replies: JsonObject[] = [];
    const sized = (name: string, characters: number): Tool => ({
      shape: { name, description: 'x'.repeat(characters), arguments: [], audience: 'model' },
      run: async () => 'true',
    });
    const tools = [sized('one', 10), sized('big', 9_000), sized('two', 10)];
    const box = new Toolbox({ tools, clock: handClock(), log });
    box.take({ jsonrpc: '2.0', id: 1, method: 'tools/list' }, DEVICE, (payload) => replies.push(payload));
    assert.deepEqual(JSON.stringify(replies).match(/"name":"\w+"/g), ['"name":"one"', '"name":"two"']);
    assert.deepEqual(box.names, ['one', 'two']);
    assert.deepEqual(
      log.lines.map(({ level, text, fields }) => [level, text.includes('left out'), fields]),
      [['warn', true, { tool: 'big' }]],
    );
  });

  it('runs two at a time, and answers each under its own id, be they alike', async () => {
    const { call, ends, replies } = rig();
    for (const id of [1, 1, 2]) call(id);
    assert.equal(ends.length, 2);
    ends[1]?.('second');
    await turn();
    assert.equal(ends.length, 3);
    ends[0]?.('first');
    ends[2]?.('third');
    await turn();
    assert.deepEqual(replies[0], {
      jsonrpc: '2.0',
      id: 1,
      result: { content: [{ type: 'text', text: 'second' }], isError: false },
    });
    assert.deepEqual(
      replies.map(({ id, result }) => `${id} ${JSON.stringify(result).match(/"text":"(\w+)"/)?.[1]}`),
      ['1 second', '1 first', '2 third'],
    );
  });

  it('says after 5 s that it took too long, and goes on with the next', async () => {
    const { call, ends, replies, clock } = rig();
    for (const id of [1, 2, 3]) call(id);
    clock.advance(5_000);
    await turn();
    assert.match(JSON.stringify(replies), /no result within 5 s/);
    assert.equal(ends.length, 3);
    ends[0]?.('too late');
    await turn();
    assert.equal(replies.length, 2);
  });

  it('tells the server why it failed', async () => {
    const { call, ends, replies } = rig();
    call(4);
    ends[0]?.(new Error('the lamp is not there'));
    await turn();
    assert.deepEqual(replies, [
      { jsonrpc: '2.0', id: 4, error: { code: -32_603, message: 'the lamp is not there' } },
    ]);
  });

  it('refuses a flood instead of keeping it', () => {
    const { call, replies } = rig();
    for (let id = 0; id < 100; id += 1) call(id);
    assert.equal(replies.length, 100 - 2 - 8);
    assert.match(JSON.stringify(replies[0]), /Too many calls at once/);
  });

  it('has answered everything that it took before a server’s 30 s are over, though nothing ever ends', async () => {
    const { call, replies, clock } = rig();
    for (let id = 0; id < 100; id += 1) call(id);
    for (let waitedMs = 0; waitedMs < 29_000; waitedMs += 1_000) {
      clock.advance(1_000);
      await turn();
    }
    assert.deepEqual(
      replies.map(({ id }) => Number(id)).sort((a, b) => a - b),
      Array.from({ length: 100 }, (_, id) => id),
    );
  });

  it('lets a tool that is felt be called so often in so long a time, and again afterwards', async () => {
    const { call, replies, clock, log } = rig({ atMost: { calls: 2, perMs: 1_000 } });
    for (const id of [1, 2, 3]) call(id);
    assert.deepEqual(
      replies.map(({ id, error }) => [id, error]),
      [[3, { code: -32_603, message: 'Too often: at most 2 calls in 1 s' }]],
    );
    clock.advance(999);
    call(4);
    assert.equal(replies.length, 2);
    clock.advance(1);
    call(5);
    assert.equal(replies.length, 2, 'not refused');
    assert.equal(log.lines.filter(({ text }) => text === 'tool refused').length, 2);
  });

  it('writes one line for a call that is not made as well, and nothing of it that steers a terminal', () => {
    const { ask, log } = rig();
    ask({ name: `no\u001b[2J${'x'.repeat(500)}` });
    ask({ name: 'slow', arguments: 'wrong' });
    ask(undefined);
    const lines = log.lines.map(({ level, text, fields }) => [level, text, fields]);
    assert.deepEqual(lines.slice(1), [
      ['warn', 'tool refused', { tool: 'slow', reason: 'Invalid arguments' }],
      ['warn', 'tool refused', { tool: '', reason: 'Missing params' }],
    ]);
    const first = JSON.stringify(lines[0]);
    assert.match(first, /Unknown tool: no\\\\u001b\[2Jx/);
    assert.ok(first.length < 400, first);
  });

  it('writes one line for each call, and no text that somebody may have said', async () => {
    const { call, ends, log, clock } = rig();
    call(1, { text: 'my secret' });
    call(2, { text: '' });
    clock.advance(120);
    ends[0]?.('done');
    ends[1]?.(new Error('no lamp'));
    await turn();
    const asked = { tool: 'slow', argument_text: '9 characters', ms: 120 };
    assert.deepEqual(log.lines, [
      { level: 'info', fields: { ...asked, result: 'done' }, text: 'tool called by the server' },
      {
        level: 'warn',
        fields: { ...asked, argument_text: '0 characters', result: 'failed', reason: 'no lamp' },
        text: 'tool called by the server',
      },
    ]);
    assert.equal(clock.pending(), 0, 'no deadline outlives its call');
  });
});
