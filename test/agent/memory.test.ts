// What outlives the process: when it is written, what a later run takes from it, and that no file keeps a box from starting.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { stateFile } from '../../src/adapters/linux/state-file.ts';
import { noLessons, renewAfterMs } from '../../src/core/lessons.ts';
import { LINK_FILE, Memory, type Remembered } from '../../src/history/memory.ts';
import { readWritten, URLS_KEPT } from '../../src/history/remembered.ts';
import { NO_COUNTERS, SESSIONS_KEPT } from '../../src/history/sessions.ts';
import type { Loss, Store } from '../../src/ports.ts';
import { keptLog, until } from '../helpers/card.ts';
import { type HandClock, handClock } from '../helpers/hand-clock.ts';
import { KeptStore } from '../helpers/kept-store.ts';
import { WatchedBox } from './watched-box.ts';

const URL = 'ws://127.0.0.1:8000/xiaozhi/v1/';
const MINUTE_MS = 60_000;

const REFUSED_TOKEN: Loss = {
  class: 'auth',
  kind: 'abnormal close',
  reason: 'refused by the server',
  detectedBy: 'http',
  quick: false,
};

function present(changes: Partial<Remembered> = {}): Remembered {
  const box = new WatchedBox().proven().lose().reconnect().pass(10_000).hearLife().lose();
  const { sessions, outages } = box.history;
  return {
    failures: 3,
    trouble: REFUSED_TOKEN,
    lessons: noLessons(0),
    counters: sessions.total,
    sessions: sessions.ended,
    outages: outages.list(),
    ...changes,
  };
}

function memory(store: Store, clock: HandClock, url = URL): Memory {
  return new Memory({ store, clock, url });
}

/** One run that ends as told, `awayMs` before the next one starts, and what the next one remembers. */
function nextRun(
  given: Remembered,
  { awayMs = 1_000, clean = false, url = URL }: { awayMs?: number; clean?: boolean; url?: string } = {},
): Remembered | undefined {
  const clock = handClock();
  const store = new KeptStore();
  const before = memory(store, clock);
  before.follow(() => given);
  before.close(clean);
  const later = { ...handClock(), wallMs: () => clock.wallMs() + awayMs };
  return memory(store, later, url).remembered();
}

describe('memory', () => {
  it('has nothing to tell before there has been a run', () => {
    assert.equal(memory(new KeptStore(), handClock()).remembered(), undefined);
  });

  it('hands sessions, counters and outages on as they were', () => {
    const given = present();
    const found = nextRun(given, { clean: true });
    assert.deepEqual(found?.counters, given.counters);
    assert.deepEqual(found?.sessions, given.sessions);
    assert.deepEqual(found?.outages[0], given.outages[0]);
    assert.equal(found?.sessions.length, 2);
  });

  it('S21 counts the run that broke off as one more failure, and knows what had failed', () => {
    const given = present();
    const second = nextRun(given);
    assert.deepEqual([second?.failures, second?.trouble], [4, REFUSED_TOKEN]);
    assert.equal(second === undefined ? undefined : nextRun(second)?.failures, 5);
    assert.equal(nextRun(present({ failures: 0, trouble: null }))?.failures, 0, 'it had worked');
    assert.equal(nextRun(given, { clean: true })?.trouble, null);
  });

  it('counts failures only of a run that broke off less than ten minutes ago', () => {
    const given = present();
    assert.equal(nextRun(given)?.failures, 4);
    assert.equal(nextRun(given, { awayMs: 10 * MINUTE_MS - 1 })?.failures, 4);
    assert.equal(nextRun(given, { awayMs: 10 * MINUTE_MS })?.failures, 0);
    assert.equal(nextRun(given, { clean: true })?.failures, 0);
  });

  it('takes a clock that has gone backwards for no time at all', () => {
    assert.equal(nextRun(present(), { awayMs: -1e12 })?.failures, 4);
  });

  it('ends an outage that was going on when the run broke off', () => {
    const given = present();
    assert.equal(given.outages.at(-1)?.end, null);
    assert.equal(nextRun(given)?.outages.at(-1)?.end?.how, 'broken off');
  });

  it('hands lessons on by their age, for the clock of the next run starts anew', () => {
    const learned = {
      heartbeatMs: 12_000,
      steadySince: -5_000,
      idleLimit: { ms: 60_000, at: -7_000 },
      suspectedMs: 30_000,
      bothDropped: { count: 2, at: -9_000 },
    };
    const found = nextRun(present({ lessons: learned }), { awayMs: 3_000 })?.lessons;
    assert.deepEqual(found, {
      ...learned,
      idleLimit: { ms: 60_000, at: -10_000 },
      bothDropped: { count: 2, at: -12_000 },
    });
    const stale = nextRun(present({ lessons: learned }), { awayMs: 86_400_000 })?.lessons;
    assert.ok(stale);
    assert.equal(renewAfterMs(stale, null, 0), null, 'what was learned more than a day ago is forgotten');
  });

  it('keeps what was learned of other servers, and forgets the one unused longest', () => {
    const store = new KeptStore();
    const clock = handClock();
    for (let server = 0; server < URLS_KEPT + 2; server += 1) {
      const one = memory(store, clock, `${URL}${server}`);
      one.remembered();
      one.follow(() => present({ lessons: { ...noLessons(0), heartbeatMs: 10_000 + server } }));
      one.close(true);
    }
    const heartbeatOf = (server: number) =>
      memory(store, clock, `${URL}${server}`).remembered()?.lessons.heartbeatMs;
    assert.equal(heartbeatOf(0), 15_000, 'forgotten');
    assert.equal(heartbeatOf(1), 15_000, 'forgotten');
    for (let server = 2; server < URLS_KEPT + 2; server += 1)
      assert.equal(heartbeatOf(server), 10_000 + server);
  });

  describe('of a box that is sent to another server', () => {
    const learned = (heartbeatMs: number) => ({ ...noLessons(0), heartbeatMs });
    /** A run that talks to one server after the other, and what of each the next run would know. */
    function run() {
      const [store, clock, server] = [new KeptStore(), handClock(), { url: URL }];
      let lessons = learned(12_000);
      const one = new Memory({
        store,
        clock,
        get url() {
          return server.url;
        },
      });
      one.follow(() => present({ lessons }));
      return {
        one,
        store,
        clock,
        learn(heartbeatMs: number) {
          lessons = learned(heartbeatMs);
        },
        move(url: string, heartbeatMs = 15_000) {
          server.url = url;
          lessons = learned(heartbeatMs);
        },
        heartbeatOf: (url: string) => memory(store, clock, url).remembered()?.lessons.heartbeatMs,
      };
    }

    it('keeps what was learned of the one it leaves, to the last, apart from what the new one teaches', () => {
      const { one, learn, move, heartbeatOf } = run();
      one.changed();
      learn(11_000);
      one.leave();
      move(`${URL}2`, 17_000);
      one.close(true);
      assert.deepEqual([heartbeatOf(URL), heartbeatOf(`${URL}2`)], [11_000, 17_000]);
    });

    it('keeps what was written last when an answer has moved it without a word', () => {
      const { one, move, clock, heartbeatOf, store } = run();
      one.changed();
      move(`${URL}2`, 17_000);
      one.changed();
      clock.advance(MINUTE_MS);
      assert.equal(store.writes, 2);
      assert.deepEqual([heartbeatOf(URL), heartbeatOf(`${URL}2`)], [12_000, 17_000]);
    });

    it('knows of each only the newest when it goes back and forth', () => {
      const { one, move, store, heartbeatOf } = run();
      for (const [url, heartbeatMs] of [
        [`${URL}2`, 17_000],
        [URL, 13_000],
        [`${URL}2`, 18_000],
        [URL, 14_000],
      ] as const) {
        one.leave();
        move(url, heartbeatMs);
      }
      one.close(true);
      assert.deepEqual([heartbeatOf(URL), heartbeatOf(`${URL}2`)], [14_000, 18_000]);
      assert.equal(readWritten(store.value)?.lessons.length, 2);
    });

    it('changes nothing when it stays where it is, and learns nothing of no server', () => {
      const { one, move, store, heartbeatOf } = run();
      one.leave();
      one.leave();
      move('');
      one.changed();
      assert.deepEqual(
        readWritten(store.value)?.lessons.map(({ url }) => url),
        [URL],
      );
      move(URL, 13_000);
      one.close(true);
      assert.equal(heartbeatOf(URL), 13_000);
      one.leave();
      assert.equal(readWritten(store.value)?.lessons.length, 1);
    });
  });

  it('writes the first change at once, and then at most once a minute, the newest', () => {
    const store = new KeptStore();
    const clock = handClock();
    const one = memory(store, clock);
    let failures = 0;
    one.follow(() => present({ failures }));
    const writtenFailures = () => readWritten(store.value)?.failures;
    for (let second = 0; second < 120; second += 1) {
      failures += 1;
      one.changed();
      if (second === 0) assert.deepEqual([store.writes, writtenFailures()], [1, 1]);
      clock.advance(1_000);
    }
    assert.equal(store.writes, 3);
    assert.equal(writtenFailures(), 120);
    clock.advance(10 * MINUTE_MS);
    assert.equal(store.writes, 3, 'nothing has changed since');
    one.changed();
    assert.equal(store.writes, 4, 'a change after a long time is the first again');
    assert.equal(readWritten(store.value)?.clean, false);
  });

  it('writes once more at the end, and never after it', () => {
    const store = new KeptStore();
    const clock = handClock();
    const one = memory(store, clock);
    one.follow(() => present());
    one.changed();
    one.changed();
    one.close(true);
    assert.equal(readWritten(store.value)?.clean, true);
    one.changed();
    one.close(false);
    clock.advance(10 * MINUTE_MS);
    assert.deepEqual([store.writes, store.writesNow, clock.pending()], [1, 1, 0]);
    assert.equal(readWritten(store.value)?.clean, true);
  });

  it('writes nothing for a run that never began', () => {
    const store = new KeptStore();
    const one = memory(store, handClock());
    one.changed();
    one.close(false);
    assert.deepEqual([store.writes, store.writesNow], [0, 0]);
  });
});

describe('a damaged or hostile file', () => {
  const written = (): Record<string, unknown> => {
    const store = new KeptStore();
    const one = memory(store, handClock());
    one.follow(() => present());
    one.close(false);
    return store.value as Record<string, unknown>;
  };
  const rememberedFrom = (value: unknown) => memory(new KeptStore(value), handClock()).remembered();

  it('that is something else altogether is no memory', () => {
    for (const value of [null, 7, 'link', [], {}, { version: 2 }, { ...written(), version: '1' }])
      assert.equal(rememberedFrom(value), undefined, JSON.stringify(value));
    const ofAnother = new KeptStore({ version: 2, precious: 1 });
    memory(ofAnother, handClock()).remembered();
    assert.match(ofAnother.aside.join(), /another version/, 'and is kept for a person to look at');
    for (const saved_at of [undefined, 7, '', 'yesterday', 'x'.repeat(1_000)])
      assert.equal(rememberedFrom({ ...written(), saved_at }), undefined);
  });

  const WRONG = [undefined, null, -1, 1e300, Number.NaN, 'x', true, [], {}, [null], [[]], [{}]];
  for (const part of ['failures', 'trouble', 'counters', 'lessons', 'sessions', 'outages', 'clean'])
    it(`loses only its ${part} when those are wrong`, () => {
      const whole = rememberedFrom(written());
      const without: Record<string, unknown> = {
        failures: 0,
        trouble: null,
        counters: NO_COUNTERS,
        lessons: noLessons(0),
        sessions: [],
        outages: [],
      };
      for (const value of WRONG.filter((one) => part !== 'clean' || one !== true)) {
        const found = rememberedFrom({ ...written(), [part]: value });
        const expected =
          part === 'clean' ? { ...whole, failures: 0, trouble: null } : { ...whole, [part]: without[part] };
        assert.deepEqual(found, expected, JSON.stringify(value));
      }
    });

  it('teaches nothing that would make the box hammer a server', () => {
    const [note] = written().lessons as readonly object[];
    const learned = (change: object) =>
      rememberedFrom({ ...written(), lessons: [{ ...note, ...change }] })?.lessons;
    assert.equal(learned({ heartbeat_ms: 12_000 })?.heartbeatMs, 12_000);
    for (const change of [
      { heartbeat_ms: 1 },
      { heartbeat_ms: 1e9 },
      { idle_limit: { ms: 1, age_ms: 0 } },
      { idle_limit: { ms: 1e12, age_ms: 0 } },
      { suspected_ms: 0 },
      { break_first: 'yes' },
    ])
      assert.deepEqual(learned(change), noLessons(0), JSON.stringify(change));
  });

  it('cannot make the box remember without end', () => {
    const { sessions, outages, lessons } = written() as Record<string, readonly object[]>;
    const many = (list: readonly object[] | undefined) =>
      Array.from({ length: 10_000 }, (_, id) => ({ ...list?.[0], id }));
    const found = rememberedFrom({
      ...written(),
      sessions: many(sessions),
      outages: many(outages),
      lessons: many(lessons),
    });
    assert.equal(found?.sessions.length, SESSIONS_KEPT);
    assert.equal(found?.outages.length, 20);
    const long = rememberedFrom({
      ...written(),
      sessions: [{ ...sessions?.[0], kind: 'x'.repeat(10_000) }],
    });
    assert.deepEqual(long?.sessions, []);
  });

  it('gives no two outages the same number', () => {
    const { outages } = written() as Record<string, readonly object[]>;
    const found = rememberedFrom({ ...written(), outages: [...(outages ?? []), ...(outages ?? [])] });
    assert.deepEqual(
      found?.outages.map(({ id }) => id),
      [1, 2],
    );
  });

  it('on a real disk is set aside, said once, and a new one is begun', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'xz-memory-'));
    const path = join(directory, LINK_FILE);
    writeFileSync(path, '{"version": 1, "saved_at": "2026-11-');
    const log = keptLog();
    const one = new Memory({
      store: stateFile({ directory, name: LINK_FILE, log }),
      clock: handClock(),
      url: URL,
    });
    assert.equal(one.remembered(), undefined);
    assert.equal(log.lines.filter(({ level }) => level === 'warn').length, 1);
    assert.deepEqual(readdirSync(directory), [`${LINK_FILE}.bad`]);
    one.follow(() => present());
    one.changed();
    await until(() => readdirSync(directory).includes(LINK_FILE), 'a new file');
    assert.equal(readWritten(JSON.parse(readFileSync(path, 'utf8')))?.failures, 3);
    one.close(true);
    assert.equal(readWritten(JSON.parse(readFileSync(path, 'utf8')))?.clean, true);
    rmSync(directory, { recursive: true });
  });
});
