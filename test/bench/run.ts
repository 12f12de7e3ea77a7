// Runs the benches: `node --expose-gc dist/test/bench/run.js [--json] [--strict] [name]...`. Shows a table, keeps every
// sample in bench/*.json, and leaves no process behind. It must not know how anything is measured.
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bargeInBench } from './barge-in.ts';
import { cpuBench } from './cpu.ts';
import { cueBench } from './cue.ts';
import { type Figure, type Summary, summaryOf, tableOf } from './figure.ts';
import { firstSoundBench } from './first-sound.ts';
import { type Bench, Laboratory } from './lab.ts';
import { longMemoryBench, memoryBench } from './memory.ts';
import { networkBench } from './network.ts';
import { busyRounds, type Noise, noiseOf } from './noise.ts';
import { opusBench } from './opus.ts';
import { pressBench } from './press.ts';
import { reconnectBench } from './reconnect.ts';
import { startBench } from './start.ts';
import { utteranceBench } from './utterance.ts';

const BENCHES: readonly Bench[] = [
  pressBench,
  firstSoundBench,
  bargeInBench,
  cueBench,
  opusBench,
  startBench,
  memoryBench,
  cpuBench,
];
/** Minutes each: only by name. The network comes last, for what follows it could not tidy up at Ctrl-C (network.ts). */
const LONG_BENCHES: readonly Bench[] = [longMemoryBench, reconnectBench, utteranceBench, networkBench];

/** 128 + SIGINT, as a shell reports it. */
const EXIT_INTERRUPTED = 130;
const EXIT_USAGE = 2;
const ROOT = join(import.meta.dirname, '..', '..', '..');

type Result = {
  readonly bench: string;
  readonly figures: readonly Figure[];
  readonly rounds: readonly number[];
  readonly error?: string;
};

let laboratory: Laboratory | undefined;
let isLeaving = false;

async function clear(): Promise<void> {
  const cleared = laboratory;
  laboratory = undefined;
  for (const failure of (await cleared?.clear()) ?? []) say(`while clearing up: ${String(failure)}`);
  cleared?.close();
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function runBench(bench: Bench): Promise<Result> {
  globalThis.gc?.();
  const before = busyRounds();
  laboratory = new Laboratory();
  let figures: readonly Figure[] = [];
  let error: string | undefined;
  try {
    figures = await bench.measure(laboratory);
  } catch (caught) {
    error = caught instanceof Error ? (caught.stack ?? caught.message) : String(caught);
  }
  await clear();
  const rounds = [...before, ...busyRounds()];
  return { bench: bench.name, figures, rounds, ...(error === undefined ? {} : { error }) };
}

type Shown = { readonly bench: string; readonly noise: Noise; readonly summaries: readonly Summary[] };

function shown(result: Result, fastestMs: number): Shown {
  return {
    bench: result.bench,
    noise: noiseOf(result.rounds, fastestMs),
    summaries: result.figures.map(summaryOf),
  };
}

function keep(results: readonly Result[], machine: object): string {
  const folder = join(ROOT, 'bench');
  mkdirSync(folder, { recursive: true });
  const at = new Date().toISOString();
  const file = join(folder, `${at.replaceAll(':', '-')}.json`);
  writeFileSync(file, `${JSON.stringify({ at, machine, results }, null, 1)}\n`);
  return file;
}

function print(benches: readonly Shown[], json: boolean, machine: object): void {
  if (json) {
    process.stdout.write(`${JSON.stringify({ machine, benches }, null, 2)}\n`);
    return;
  }
  process.stdout.write(`${tableOf(benches.flatMap(({ summaries }) => summaries))}\n`);
  process.stdout.write('machine noise (a fixed loop, as multiples of its fastest round: min/median/max):\n');
  for (const { bench, noise } of benches)
    process.stdout.write(`  ${bench.padEnd(12)} ${noise.min} / ${noise.median} / ${noise.max}\n`);
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false }, strict: { type: 'boolean', default: false } },
  });
  const all = [...BENCHES, ...LONG_BENCHES];
  const unknown = positionals.filter((name) => !all.some((bench) => bench.name === name));
  if (unknown.length > 0) {
    say(`there is no bench ${unknown.join(', ')}; there are:`);
    for (const { name, about } of all) say(`  ${name.padEnd(12)} ${about}`);
    process.exitCode = EXIT_USAGE;
    return;
  }
  const chosen = positionals.length === 0 ? BENCHES : all.filter(({ name }) => positionals.includes(name));
  const [cpu] = cpus();
  const machine = {
    node: process.version,
    arch: process.arch,
    cpu: cpu?.model,
    cores: cpus().length,
    load: loadavg(),
  };
  const results: Result[] = [];
  // The first loops are compiled on the way.
  busyRounds();
  for (const bench of chosen) {
    if (isLeaving) return;
    say(`${bench.name}: ${bench.about} …`);
    const result = await runBench(bench);
    if (result.error !== undefined && !isLeaving) say(`${bench.name} failed: ${result.error}`);
    results.push(result);
  }
  if (isLeaving) return;
  const fastestMs = Math.min(...results.flatMap(({ rounds }) => rounds));
  const benches = results.map((result) => shown(result, fastestMs));
  print(benches, values.json, machine);
  say(`every sample: ${keep(results, machine)}`);
  const missed = benches.flatMap(({ summaries }) => summaries).filter(({ met }) => met === false);
  const failed = results.some(({ error }) => error !== undefined);
  process.exitCode = failed || (values.strict && missed.length > 0) ? 1 : 0;
}

/** Once: what breaks while everything is being ended must not cut that short. */
function leave(code: number): void {
  if (isLeaving) return;
  isLeaving = true;
  void clear().finally(() => process.exit(code));
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => leave(EXIT_INTERRUPTED));
process.on('uncaughtException', (error) => {
  if (!isLeaving) say(error.stack ?? error.message);
  leave(1);
});

await main();
