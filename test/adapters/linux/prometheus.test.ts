// The format alone, by figures of the test: over HTTP and in the file, as they come, change and go.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type Figure, prometheus } from '../../../src/adapters/linux/prometheus.ts';
import { keptLog, until } from '../../helpers/card.ts';
import { handClock } from '../../helpers/hand-clock.ts';

async function rig() {
  const root = await mkdtemp(join(tmpdir(), 'xz-'));
  const file = join(root, 'xiaozhi.prom');
  const clock = handClock();
  const log = keptLog();
  let figures: readonly Figure[] = [];
  const metrics = prometheus({
    listen: '127.0.0.1:0',
    textfile: file,
    clock,
    log,
    figures: () => figures,
    unready: () => [],
  });
  const urlOf = () => log.lines.map(({ fields }) => (fields as { url?: string }).url ?? '').join('');
  await until(() => urlOf() !== '', 'listening');
  await until(() => clock.pending() === 1, 'the file');
  return {
    show(...next: readonly Figure[]) {
      figures = next;
    },
    async scraped() {
      const response = await fetch(urlOf());
      return { status: response.status, text: await response.text() };
    },
    async inFile() {
      clock.advance(60_000);
      await until(() => clock.pending() === 1, 'the file anew');
      return readFileSync(file, 'utf8');
    },
    async over() {
      metrics.stop();
      await rm(root, { recursive: true, force: true });
      assert.deepEqual(
        log.lines.filter(({ level }) => level === 'warn'),
        [],
      );
    },
  };
}

function labelled(name: string, label: string, values: Readonly<Record<string, number>>): Figure {
  return {
    name,
    help: 'of a test',
    kind: 'counter',
    labelNames: [label],
    values: Object.entries(values).map(([of, value]) => ({ labels: { [label]: of }, value })),
  };
}

describe('figures for Prometheus', () => {
  it('that have no value yet get theirs later, over HTTP and in the file', async () => {
    const box = await rig();
    const rows: readonly (readonly [Readonly<Record<string, number>>, Readonly<Record<string, number>>])[] = [
      [{}, {}],
      [{ answered: 1 }, {}],
      [{ answered: 1 }, { network: 1 }],
      [{ answered: 2, 'not connected': 1 }, { network: 1 }],
    ];
    for (const [turns, outages] of rows) {
      box.show(labelled('turns_total', 'end', turns), labelled('reconnects_total', 'reason', outages));
      const { status, text } = await box.scraped();
      assert.equal(status, 200, text);
      const inFile = await box.inFile();
      for (const [end, count] of Object.entries(turns))
        for (const seen of [text, inFile])
          assert.match(seen, new RegExp(`^turns_total\\{end="${end}"\\} ${count}$`, 'm'));
      for (const [reason, count] of Object.entries(outages))
        for (const seen of [text, inFile])
          assert.match(seen, new RegExp(`^reconnects_total\\{reason="${reason}"\\} ${count}$`, 'm'));
    }
    await box.over();
  });

  it('leave no file behind when they end while it is being written', async () => {
    const root = await mkdtemp(join(tmpdir(), 'xz-'));
    const [clock, log] = [handClock(), keptLog()];
    let isAsked = false;
    const figures = () => {
      isAsked = true;
      return [];
    };
    const textfile = join(root, 'xiaozhi.prom');
    prometheus({ listen: '', textfile, clock, log, figures, unready: () => [] }).stop();
    assert.ok(isAsked);
    // The figures are there some turns of the loop later.
    for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate);
    assert.deepEqual([readdirSync(root), log.lines, clock.pending()], [[], [], 0]);
    await rm(root, { recursive: true });
  });

  it('that were not measured are not there, before and after they were; a nought that was measured is', async () => {
    const box = await rig();
    for (const value of [null, -61, null, 0]) {
      const about = { name: 'wifi_rssi_dbm', help: 'of a test', kind: 'gauge', labelNames: [] } as const;
      box.show({ ...about, values: value === null ? [] : [{ value }] });
      for (const seen of [(await box.scraped()).text, await box.inFile()])
        assert.equal(/^wifi_rssi_dbm (\S+)$/m.exec(seen)?.[1], value === null ? undefined : String(value));
    }
    await box.over();
  });
});
