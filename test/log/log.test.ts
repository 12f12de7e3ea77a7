// What a record looks like in each format, and what decides whether it is written.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { autoFormat, createLog, type LogOptions } from '../../src/log.ts';

// 20:13:09.123 on 2026-11-22, in whatever zone the test runs.
const wallMs = () => new Date(2026, 10, 22, 20, 13, 9, 123).getTime();

function recorded(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const log = createLog({
    level: 'info',
    format: 'text',
    wallMs,
    write: (line) => lines.push(line),
    ...options,
  });
  return { log, lines };
}

test('text has the local time, the level, the sentence and the fields in their order', () => {
  const { log, lines } = recorded({ level: 'debug' });
  log.debug({}, 'a');
  log.info({ key: 'value', key2: 'with space' }, 'text');
  log.warn({ n: 1.5, yes: true, no: null, gone: undefined }, 'b');
  log.error({ z: 1, a: 2 }, 'c');
  assert.deepEqual(lines, [
    '2026-11-22 20:13:09.123 debug a',
    '2026-11-22 20:13:09.123 info  text key=value key2="with space"',
    '2026-11-22 20:13:09.123 warn  b n=1.5 yes=true no=null',
    '2026-11-22 20:13:09.123 error c z=1 a=2',
  ]);
});

test('the journal gets the priority of the level, and neither time nor colour', () => {
  const { log, lines } = recorded({ level: 'debug', format: 'journal', colour: true });
  for (const level of ['debug', 'info', 'warn', 'error'] as const) log[level]({ n: 1 }, 'it');
  assert.deepEqual(lines, ['<7>it n=1', '<6>it n=1', '<4>it n=1', '<3>it n=1']);
});

test('JSON has the time in ISO form, and fields cannot pose as level, time or message', () => {
  const { log, lines } = recorded({ format: 'json' });
  log.warn({ level: 3, time: 4, msg: 'x', deep: { list: [1, 'b'] } }, 'two\nlines');
  assert.equal(lines.length, 1);
  assert.ok(!lines[0]?.includes('\n'));
  assert.deepEqual(JSON.parse(lines[0] ?? ''), {
    level: 40,
    time: new Date(wallMs()).toISOString(),
    level_: 3,
    time_: 4,
    msg_: 'x',
    deep: { list: [1, 'b'] },
    msg: 'two\nlines',
  });
});

test("without a clock of its own a record carries the machine's time", () => {
  const before = Date.now();
  const times = (['text', 'json'] as const).map((format) => {
    const lines: string[] = [];
    createLog({ level: 'info', format, write: (line) => lines.push(line) }).info({}, 'x');
    const line = lines[0] ?? '';
    return new Date(
      format === 'json' ? JSON.parse(line).time : line.slice(0, 23).replace(' ', 'T'),
    ).getTime();
  });
  for (const time of times) assert.ok(time >= before && time <= Date.now(), `${before} ${time}`);
});

test('colour is on the level alone, and only when asked for', () => {
  const plain = recorded();
  const coloured = recorded({ colour: true });
  for (const { log } of [plain, coloured]) log.warn({ a: 'b' }, 'x');
  assert.deepEqual(plain.lines, ['2026-11-22 20:13:09.123 warn  x a=b']);
  assert.deepEqual(coloured.lines, ['2026-11-22 20:13:09.123 \u001B[33mwarn \u001B[0m x a=b']);
});

test('levels below the set one are not written and their fields not touched, and the level can change', () => {
  const { log, lines } = recorded({ format: 'journal' });
  const trap = {
    get x() {
      throw new Error('read');
    },
  };
  log.debug(trap, 'no');
  log.setLevel('error');
  log.warn(trap, 'no');
  log.error({}, 'one');
  log.setLevel('debug');
  log.debug({}, 'two');
  log.flush();
  assert.deepEqual(lines, ['<3>one', '<7>two']);
});

test('the automatic format is for the journal under systemd and for people on a terminal', () => {
  assert.equal(autoFormat({ JOURNAL_STREAM: '9:1' }, false), 'journal');
  assert.equal(autoFormat({ INVOCATION_ID: 'abc' }, false), 'journal');
  assert.equal(autoFormat({ INVOCATION_ID: 'abc' }, true), 'text');
  assert.equal(autoFormat({ JOURNAL_STREAM: '' }, false), 'text');
  assert.equal(autoFormat({}, false), 'text');
});
