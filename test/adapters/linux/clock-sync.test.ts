// Whether the clock is believed, and when: on a made-up mark and a clock moved by hand.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { clockIsSet, clockSync } from '../../../src/adapters/linux/clock-sync.ts';
import { type HandClock, handClock } from '../../helpers/hand-clock.ts';

const EPOCH_MS = Date.UTC(1970, 0);
const LAST_YEAR_MS = Date.UTC(2025, 5);

describe('the clock', () => {
  let directory: string;
  let path: string;
  let hand: HandClock;
  let stepMs: number;
  const time = () => ({ ...hand, wallMs: () => hand.wallMs() + stepMs });
  const serviceRuns = () => mkdirSync(join(directory, 'timesync'));
  const serviceHasSet = () => writeFileSync(path, '');
  const setTo = (wallMs: number) => {
    stepMs = wallMs - hand.wallMs();
  };
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'xz-clock-'));
    path = join(directory, 'timesync', 'synchronized');
    hand = handClock();
    stepMs = 0;
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('is believed when the time service has set it, whatever it shows', () => {
    serviceRuns();
    serviceHasSet();
    setTo(EPOCH_MS);
    assert.equal(clockIsSet({ clock: time(), path }), true);
  });

  it('is not believed while the time service has not set it, however right it looks', () => {
    serviceRuns();
    assert.equal(clockIsSet({ clock: time(), path }), false);
  });

  it('without a time service is believed unless it is before this program was made', () => {
    assert.equal(clockIsSet({ clock: time(), path }), true);
    for (const wrong of [EPOCH_MS, LAST_YEAR_MS]) {
      setTo(wrong);
      assert.equal(clockIsSet({ clock: time(), path }), false);
    }
  });

  it('of this machine can be asked after without saying where to look', () => {
    assert.equal(typeof clockIsSet(), 'boolean');
  });

  function waiting() {
    let told = 0;
    const sync = clockSync({ clock: { ...hand, wallMs: () => time().wallMs() }, path });
    const on = {
      synchronized: () => {
        told += 1;
      },
    };
    sync.start(on);
    return { sync, on, told: () => told };
  }

  it('is reported once, within 250 ms, when the time service has set it', () => {
    serviceRuns();
    setTo(EPOCH_MS);
    const { told } = waiting();
    hand.advance(60_000);
    assert.equal(told(), 0);
    serviceHasSet();
    hand.advance(250);
    assert.equal(told(), 1);
    hand.advance(60_000);
    assert.deepEqual([told(), hand.pending()], [1, 0]);
  });

  it('is reported when it is put forward by more than a minute, and not by less', () => {
    serviceRuns();
    setTo(EPOCH_MS);
    const { told } = waiting();
    stepMs += 60_000;
    hand.advance(1_000);
    assert.equal(told(), 0);
    stepMs += 1;
    hand.advance(250);
    assert.equal(told(), 1);
    assert.equal(hand.pending(), 0);
  });

  it('is reported when it is put back as well', () => {
    serviceRuns();
    const { told } = waiting();
    stepMs -= 3_600_000;
    hand.advance(250);
    assert.equal(told(), 1);
  });

  it('that was set before anybody waited is reported too, but not from inside start', () => {
    serviceRuns();
    serviceHasSet();
    const { told } = waiting();
    assert.equal(told(), 0);
    hand.advance(250);
    assert.equal(told(), 1);
  });

  it('is not reported after stop, and again after the next start', () => {
    serviceRuns();
    const { sync, on, told } = waiting();
    sync.stop();
    sync.stop();
    serviceHasSet();
    hand.advance(1_000);
    assert.deepEqual([told(), hand.pending()], [0, 0]);
    sync.start(on);
    sync.start(on);
    assert.equal(hand.pending(), 1);
    hand.advance(1_000);
    assert.equal(told(), 1);
    sync.stop();
  });
});
