// A serial number and the file with its secret: each is worth nothing without the other, and that is said.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { describeProblem } from '../../src/config/problem.ts';

const NUMBER = { 'server.serial_number': '0123456789abcdef0123456789ABCDEF' };
const FILE = { 'server.serial_key_file': '/etc/xiaozhi-agent/serial-key' };

function loaded(overrides: Readonly<Record<string, string>>) {
  const { config, problems } = loadConfig({ environment: {}, overrides });
  const { serialNumber, serialKeyFile } = config.server;
  return { values: [serialNumber, serialKeyFile], problems: problems.map(describeProblem) };
}

test('a serial number with the file of its secret is taken, and neither is no fault', () => {
  assert.deepEqual(loaded({ ...NUMBER, ...FILE }), {
    values: [...Object.values(NUMBER), ...Object.values(FILE)],
    problems: [],
  });
  assert.deepEqual(loaded({}), { values: ['', ''], problems: [] });
});

for (const [given, alone, other] of [
  [NUMBER, 'server.serial_number', 'server.serial_key_file'],
  [FILE, 'server.serial_key_file', 'server.serial_number'],
] as const)
  test(`${alone} alone is refused, for the box would be activated by a code without a word`, () => {
    assert.deepEqual(loaded(given), {
      values: ['', ''],
      problems: [`${alone}: it needs ${other}, which is empty; the box is activated by a code`],
    });
  });
