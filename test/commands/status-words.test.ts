// What `status` says of the run before: when it ended, or what is known of one that did not say so.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { lastRunLines } from '../../src/commands/status-words.ts';

const RUN = { ended: 'ended', clean: true, broke_off: false, at: '2026-11-30T08:00:00Z', last_troubles: [] };

it('the last run is told with its end, or with what it wrote last, and never as one of no time at all', () => {
  for (const [changes, words] of [
    [{ uptime_s: 7 }, /^last run {4}ended, \S+ \S+, after 7 s$/],
    [{ uptime_s: 0 }, /^last run {4}ended, \S+ \S+, after less than 1 s$/],
    [
      { uptime_s: 0, broke_off: true },
      /^last run {4}ended; last written \S+ \S+, less than 1 s after its start$/,
    ],
    [{ uptime_s: 90, broke_off: true }, /; last written \S+ \S+, 1 min 30 s after its start$/],
  ] as const)
    assert.match(lastRunLines({ ...RUN, ...changes })[0] ?? '', words);
});
