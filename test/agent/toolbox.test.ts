// The toolbox by a clock moved by hand: two at a time, each within its time, one line in the log for each call.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { JsonObject } from '../../src/protocol/messages.ts';
import { type Tool, Toolbox } from '../../src/toolbox.ts';
import { keptLog } from '../helpers/card.ts';
import { handClock } from '../helpers/hand-clock.ts';

const DEVICE = { name: 'xiaozhi-agent', version: '0' };

function rig() {
  const clock = handClock();
  const log = keptLog();
  const replies: JsonObject[] = [];
  const ends: ((result: string | Error) => void)[] = [];
  const slow: Tool = {
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
  const call = (id: number, given: JsonObject = {}) =>
    box.take(
      { jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'slow', arguments: given } },
      DEVICE,
      (payload) => replies.push(payload),
    );
  return { clock, log, replies, ends, call };
}

describe('the toolbox', () => {
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
    assert.equal(replies.length, 100 - 2 - 16);
    assert.match(JSON.stringify(replies[0]), /Too many calls at once/);
  });

  it('writes one line for each call, and no text that somebody may have said', async () => {
    const { call, ends, log } = rig();
    call(1, { text: 'my secret' });
    ends[0]?.('done');
    await turn();
    assert.equal(log.lines.length, 1);
    assert.match(JSON.stringify(log.lines), /"tool":"slow","argument_text":"9 characters"/);
  });
});
