// The lamp by a hand-driven clock: day and night, alarms, and what it tells of a light that does not work.
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { RHYTHMS } from '../../src/core/light.ts';
import { Lamp, type LampPolicy } from '../../src/lamp.ts';
import type { LightEvents, Look } from '../../src/ports.ts';
import { keptLog } from '../helpers/card.ts';
import { type HandClock, handClock } from '../helpers/hand-clock.ts';

const POLICY: LampPolicy = { theme: 'speaker', brightness: 0.8, night: null, nightBrightness: 0.1 };
const HOUR_MS = 3_600_000;

describe('the lamp', () => {
  let clock: HandClock;
  let looks: Look[];
  let told: LightEvents | undefined;
  const log = keptLog();

  beforeEach(() => {
    clock = handClock();
    looks = [];
    told = undefined;
  });

  const lamp = (policy: Partial<LampPolicy> = {}) => lampThatAsks(() => ({ ...POLICY, ...policy }));
  const lampThatAsks = (policy: () => LampPolicy) =>
    new Lamp({
      clock,
      log,
      policy,
      light: {
        means: 'a light',
        start: (on) => {
          told = on;
        },
        show: (look) => looks.push(look),
        stop: () => {
          told = undefined;
        },
      },
    });
  /** Minutes from now on, whatever the machine's time zone. */
  const nightIn = (fromMin: number, toMin: number) => {
    const now = new Date(clock.wallMs());
    const minute = now.getHours() * 60 + now.getMinutes();
    return { from: (minute + fromMin) % 1_440, to: (minute + toMin) % 1_440 };
  };
  const last = () => looks.at(-1);

  it('shows a sign once, in the colour of its theme', () => {
    const light = lamp();
    light.follow('listening');
    light.follow('listening');
    assert.deepEqual(looks, [{ rhythm: RHYTHMS.listening, colour: [0, 0, 255], brightness: 0.8 }]);
    lamp({ theme: 'xiaozhi' }).follow('listening');
    assert.deepEqual(last()?.colour, [255, 0, 0]);
  });

  it('flashes for a second when something has failed, and then shows what it was', () => {
    const light = lamp();
    light.follow('idle');
    light.alarm();
    assert.deepEqual(last()?.rhythm, RHYTHMS.error);
    clock.advance(1_000);
    assert.deepEqual(last()?.rhythm, RHYTHMS.idle);
    assert.equal(clock.pending(), 0);
  });

  it('flashes for a second after the last of two failures', () => {
    const light = lamp();
    light.follow('idle');
    light.alarm();
    clock.advance(600);
    light.alarm();
    clock.advance(999);
    assert.deepEqual(last()?.rhythm, RHYTHMS.error);
    clock.advance(1);
    assert.deepEqual(last()?.rhythm, RHYTHMS.idle);
  });

  it('is put out when the box leaves, in the middle of an alarm too', () => {
    const light = lamp();
    light.follow('idle');
    light.alarm();
    light.stop();
    assert.equal(told, undefined, 'the light is stopped');
    assert.deepEqual([clock.pending(), light.status().sign], [0, null]);
  });

  it('never hides an open microphone behind an alarm', () => {
    const light = lamp();
    light.follow('listening');
    light.alarm();
    assert.deepEqual(last()?.rhythm, RHYTHMS.listening);
  });

  for (const [when, span] of Object.entries({
    'in the evening': [60, 600],
    'over midnight': [60, 1_380],
  } as const))
    it(`goes dark when the night begins ${when}, but for a conversation, and comes back with the day`, () => {
      const light = lamp({ night: nightIn(span[0], span[1]) });
      light.follow('offline');
      assert.deepEqual(last()?.rhythm, RHYTHMS.offline);
      clock.advance(HOUR_MS + 60_000);
      assert.deepEqual(last()?.rhythm, RHYTHMS.idle);
      light.follow('muted');
      assert.deepEqual(last()?.rhythm, RHYTHMS.idle);
      light.follow('listening');
      assert.deepEqual([last()?.rhythm, last()?.brightness], [RHYTHMS.listening, 0.1]);
      light.follow('muted');
      light.alarm();
      assert.deepEqual(last()?.rhythm, RHYTHMS.error, 'it answers a press');
      clock.advance(span[1] * 60_000 - HOUR_MS);
      assert.deepEqual([last()?.rhythm, last()?.brightness], [RHYTHMS.muted, 0.8]);
      light.stop();
      assert.equal(clock.pending(), 0);
    });

  it('looks as it is wished for now, and begins to look for a night that is wished for later', () => {
    let wished = POLICY;
    const light = lampThatAsks(() => wished);
    light.follow('muted');
    assert.equal(clock.pending(), 0);
    wished = { ...POLICY, brightness: 0.4, night: nightIn(60, 600) };
    light.follow('muted');
    assert.equal(last()?.brightness, 0.4);
    clock.advance(HOUR_MS + 60_000);
    assert.deepEqual(last()?.rhythm, RHYTHMS.idle);
    wished = POLICY;
    clock.advance(60_000);
    assert.deepEqual([last()?.rhythm, last()?.brightness], [RHYTHMS.muted, 0.8]);
    assert.equal(clock.pending(), 0);
  });

  it('says once that the light does not work, and once that it does again', () => {
    const light = lamp();
    light.follow('idle');
    told?.failed('no such LED');
    told?.failed('no such LED');
    assert.deepEqual(light.status(), { backend: 'a light', sign: 'idle', trouble: 'no such LED' });
    told?.works();
    told?.works();
    assert.equal(light.status().trouble, null);
    assert.deepEqual(
      log.lines.map(({ level }) => level),
      ['warn', 'info'],
    );
  });
});
