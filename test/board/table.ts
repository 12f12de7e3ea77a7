// What the scenes of an acceptance have shown, as a table and as JSON: each with the lines that prove it, or with what is wrong and the
// last lines of the journal. Knows no board.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Journal } from './journal.ts';
import type { Shown } from './stage.ts';

type Row = {
  readonly scene: string;
  readonly result: 'ok' | 'FAILED' | 'not reached';
  readonly tookS: number;
  readonly figures: Readonly<Record<string, number>>;
  readonly proof: readonly string[];
  readonly wrong?: string;
};

const LAST_LINES = 40;
/** The longest takes five minutes on an emulated board. */
const SCENE_MS = 1_200_000;

export class Table {
  readonly #folder: string;
  readonly #deb: string;
  readonly #rows: Row[] = [];

  constructor(folder: string, deb: string) {
    this.#folder = folder;
    this.#deb = deb;
  }

  /** A place in the table, and what fills it. */
  row(scene: string): (journal: Journal, act: () => Promise<Shown>) => Promise<void> {
    const at = this.#rows.push({ scene, result: 'not reached', tookS: 0, figures: {}, proof: [] }) - 1;
    return async (journal, act) => {
      const beganMs = performance.now();
      const since = journal.mark();
      const fill = (row: Pick<Row, 'result' | 'figures' | 'proof' | 'wrong'>) => {
        this.#rows[at] = { scene, tookS: Math.round((performance.now() - beganMs) / 1_000), ...row };
      };
      try {
        const { figures = {}, proof } = await inTime(act());
        fill({ result: 'ok', figures, proof: proof.map(({ atS, text }) => `[${atS.toFixed(3)}] ${text}`) });
      } catch (error) {
        const last = journal.all(/^(?!.*: step event=)/, since);
        const proof = last.slice(-LAST_LINES).map(({ atS, text }) => `[${atS.toFixed(3)}] ${text}`);
        fill({ result: 'FAILED', figures: {}, proof, wrong: (error as Error).message });
        throw error;
      }
    };
  }

  /**
   * On the screen and in `acceptance.json`.
   * @param late how often something was done again, since the emulator had been too late for it
   */
  tell(late: number): void {
    const arch = readFileSync(join(this.#folder, 'arch'), 'utf8').trim();
    const qemu = spawnSync('qemu-img', ['--version'], { encoding: 'utf8' }).stdout.split('\n')[0] ?? '';
    const head = { arch, emulated: true, qemu, package: basename(this.#deb), late };
    console.log(`${arch}, emulated by ${qemu}; ${head.package}: no figure is one of a real board`);
    for (const { scene, result, tookS, figures, proof, wrong } of this.#rows) {
      const words = Object.entries(figures).map(([name, value]) => `${name}: ${Number(value.toFixed(1))}`);
      console.log(`${result.padEnd(11)} ${String(tookS).padStart(4)} s  ${scene}`);
      const lines = wrong === undefined ? proof : [wrong.split('\n')[0]];
      for (const line of [...words, ...lines]) console.log(`                    ${line}`);
    }
    const total = this.#rows.reduce((sum, { tookS }) => sum + tookS, 0);
    const passed = this.#rows.filter(({ result }) => result === 'ok').length;
    console.log(`${passed} of ${this.#rows.length} scenes, ${total} s; the emulator was late ${late} times`);
    const json = JSON.stringify({ ...head, rows: this.#rows }, null, 2);
    writeFileSync(join(this.#folder, 'acceptance.json'), `${json}\n`);
  }
}

async function inTime<T>(act: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not over after ${SCENE_MS / 60_000} min`)), SCENE_MS);
  });
  try {
    return await Promise.race([act, late]);
  } finally {
    clearTimeout(timer);
  }
}
