// Which known name a mistyped one is taken for.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { editDistance, nearestName } from '../../src/config/nearest.ts';
import { allKeys } from '../../src/config/schema.ts';

const cases: readonly (readonly [typed: string, meant: string | undefined])[] = [
  ['link.backof_cap_ms', 'link.backoff_cap_ms'],
  ['link.renwe', 'link.renew'],
  ['link.backoff_cap', 'link.backoff_cap_ms'],
  ['lnk.mode', 'link.mode'],
  ['device', 'audio.input.device'],
  ['audio.device', 'audio.input.device'],
  ['audio.outptu.device', 'audio.output.device'],
  ['server.url', 'server.websocket_url'],
  ['level', 'log.level'],
  ['LOG.LEVEL', 'log.level'],
  ['log_level', 'log.level'],
  ['server.wifi_ssid', undefined],
  ['x', undefined],
  ['', undefined],
  [`link.${'m'.repeat(100_000)}`, undefined],
];

for (const [typed, meant] of cases) {
  test(`${JSON.stringify(typed.slice(0, 30))} is taken for ${meant ?? 'nothing'}`, () => {
    assert.equal(nearestName(typed, allKeys.keys()), meant);
  });
}

test('a swap of neighbours counts as one slip, like any other single slip', () => {
  assert.deepEqual(
    [
      editDistance('mode', 'mode'),
      editDistance('mdoe', 'mode'),
      editDistance('mod', 'mode'),
      editDistance('node', 'mode'),
    ],
    [0, 1, 1, 1],
  );
  assert.equal(editDistance('', 'abc'), 3);
  assert.equal(editDistance('kitten', 'sitting'), 3);
});
