// How the last run ended, for the next one: what is written, how rarely, how large at the most, and what is made of it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { endOf, PostMortem, type RunNow, readPastRun } from '../../src/history/post-mortem.ts';
import { handClock } from '../helpers/hand-clock.ts';
import { KeptStore } from '../helpers/kept-store.ts';

const NOW: RunNow = { uptime_s: 7, rss_mb: 60, link: 'ready', turns: 0, last_turn: null, last_outage: null };
const MINUTE_MS = 60_000;

function rig(boot = 'first') {
  const store = new KeptStore();
  const clock = handClock();
  const parts = { store, clock, agent: '0.1.0', node: 'v20', boot };
  return { store, clock, parts, run: new PostMortem(parts) };
}

describe('last-run.json', () => {
  it('tells the next run how this one ended', () => {
    const { run, parts } = rig();
    run.follow(() => NOW);
    run.saw({ level: 'warn', code: 'XA-MIC-01', text: 'microphone broke off' });
    run.close('ended on request (SIGTERM)', true);
    const past = new PostMortem(parts).previous();
    assert.equal(past?.clean, true);
    assert.equal(past === undefined ? '' : endOf(past, 'first'), 'ended on request (SIGTERM)');
    assert.deepEqual(
      past?.troubles.map(({ code }) => code),
      ['XA-MIC-01'],
    );
  });

  it('has a trace of a run that broke off, and tells a restart of the machine from one of the agent', () => {
    const { run, parts } = rig();
    run.follow(() => NOW);
    const past = new PostMortem(parts).previous();
    assert.ok(past !== undefined && !past.clean);
    assert.match(endOf(past, 'first'), /killed/);
    assert.match(endOf(past, 'second'), /lost its power/);
  });

  it('is written once in five minutes, however much happens, and not again after the end', () => {
    const { run, store, clock } = rig();
    run.follow(() => NOW);
    for (let at = 0; at < 100; at += 1) {
      run.saw({ level: 'warn', code: null, text: `the ${at}th` });
      clock.advance(MINUTE_MS / 10);
    }
    assert.equal(store.writes, 2 + 1);
    run.close('ended on request (SIGTERM)', true);
    run.changed();
    clock.advance(10 * MINUTE_MS);
    assert.deepEqual([store.writes, store.writesNow], [3, 1]);
  });

  it('never has more than 16 kB; the oldest trouble goes', () => {
    const { run, store } = rig();
    run.follow(() => ({ ...NOW, link: 'x'.repeat(12_000) }));
    for (let at = 0; at < 1_000; at += 1)
      run.saw({ level: 'error', code: null, text: `${at} ${'y'.repeat(900)}` });
    run.close('unexpected error: z', false);
    assert.ok(JSON.stringify(store.value, null, 2).length <= 16_384);
    const troubles = readPastRun(store.value)?.troubles ?? [];
    assert.match(troubles.at(-1)?.text ?? '', /^999 /);
  });

  it('keeps the last twenty troubles, and gives the outage up before it becomes too large', () => {
    const { run, store } = rig();
    const outage = { id: 1, attempts: 'x'.repeat(15_000) } as unknown as RunNow['last_outage'];
    run.follow(() => ({ ...NOW, last_outage: outage }));
    for (let at = 0; at < 25; at += 1) run.saw({ level: 'warn', code: null, text: `${at}` });
    run.close('ended on request (SIGTERM)', true);
    const small = store.value as { last_outage: unknown };
    assert.ok(JSON.stringify(small, null, 2).length <= 16_384);
    const { run: other, store: kept } = rig();
    other.follow(() => NOW);
    for (let at = 0; at < 25; at += 1) other.saw({ level: 'warn', code: null, text: `${at}` });
    other.close('ended on request (SIGTERM)', true);
    const texts = readPastRun(kept.value)?.troubles.map(({ text }) => text);
    assert.deepEqual([texts?.length, texts?.[0], texts?.at(-1)], [20, '5', '24']);
    const { run: huge, store: left } = rig();
    const tooLarge = { id: 1, attempts: 'x'.repeat(17_000) } as unknown as RunNow['last_outage'];
    huge.follow(() => ({ ...NOW, last_outage: tooLarge }));
    huge.close('ended on request (SIGTERM)', true);
    assert.equal((left.value as { last_outage: unknown }).last_outage, null);
  });

  it('of another shape is put aside', () => {
    for (const bad of [[], 'x', {}, { version: 2 }, { ...NOW, version: 1, troubles: [{}] }]) {
      const { run, store } = rig();
      store.value = bad;
      assert.equal(run.previous(), undefined);
      assert.equal(store.aside.length, 1);
    }
  });
});
