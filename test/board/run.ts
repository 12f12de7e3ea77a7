// `npm run test:board` and `npm run soak:board`: what is to be tried with a virtual board (prepared.ts), one at a time in its
// folder, and among processes of its own, so that nothing of it is left behind. Needs root, and what deploy/prerequisites.sh
// brings for a board; takes minutes, for the machine is emulated. Not part of `npm test`. Ends with 0 all well, 1 something is
// not, 2 usage, 4 not root.
//   run.js acceptance | soak --hours N [--seed S]
//   BOARD_ARCH: amd64 (default) or arm64.   BOARD_FOLDER: where the board is kept; ~/.cache/xiaozhi-agent/board-ARCH without it.
//   BOARD_DEB: that package instead of a new one.   BOARD_MIRROR: see build.sh.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

/** An arm64 board is made of programs that are emulated: a quarter of an hour on two cores; a package of either takes minutes. */
const PREPARED_MS = 3_600_000;
/** What comes to a standstill ends; an emulated arm64 takes an hour and more on two busy cores. */
const ACCEPTANCE_MS = 3 * 3_600_000;
/** After the last fault, until a soak has looked once more. */
const SOAK_END_MS = 900_000;
/** Of flock: somebody else has it. */
const LOCKED = 5;

const arch = process.env.BOARD_ARCH ?? 'amd64';
const folder = process.env.BOARD_FOLDER ?? join(homedir(), `.cache/xiaozhi-agent/board-${arch}`);
process.exitCode = main(process.argv.slice(2));

function main(args: readonly string[]): number {
  const act = actOf(args);
  if (act === undefined || !['amd64', 'arm64'].includes(arch))
    return complain(2, 'usage: run.js acceptance | soak --hours N [--seed S]; BOARD_ARCH is amd64 or arm64');
  if (process.getuid?.() !== 0) return complain(4, 'root is needed');
  mkdirSync(folder, { recursive: true });
  const scratch = mkdtempSync(join(tmpdir(), 'board-'));
  const mostMs = PREPARED_MS + act.mostMs;
  const { status, error } = alone(mostMs, [arch, folder, scratch, ...act.words]);
  rmSync(scratch, { recursive: true, force: true });
  if (error !== undefined)
    return complain(1, `not over after ${Math.round(mostMs / 60_000)} min, or: ${error.message}`);
  if (status === LOCKED) return complain(1, `another run is at ${folder}`);
  return status === 0 ? 0 : 1;
}

/** Whatever it starts or mounts ends with it, and it with this process, however they end; one at a time in that folder. */
function alone(mostMs: number, words: readonly string[]) {
  const lock = ['flock', '--no-fork', '--nonblock', '--conflict-exit-code', String(LOCKED), folder];
  const spaces = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const prepared = [process.execPath, join(import.meta.dirname, 'prepared.js'), ...words];
  return spawnSync('setpriv', ['--pdeathsig', 'KILL', ...lock, ...spaces, ...prepared], {
    stdio: 'inherit',
    timeout: mostMs,
    killSignal: 'SIGKILL',
  });
}

type Act = { readonly mostMs: number; readonly words: readonly string[] };

/** Undefined: it is not understood. */
function actOf([what = '', ...options]: readonly string[]): Act | undefined {
  if (what === 'acceptance' && options.length === 0) return { mostMs: ACCEPTANCE_MS, words: [what] };
  const hours = what === 'soak' ? hoursIn(options) : Number.NaN;
  if (!(hours > 0 && hours < 10_000)) return undefined;
  return { mostMs: Math.round(hours * 3_600_000) + SOAK_END_MS, words: [what, ...options] };
}

/** NaN: it is no number, or something besides is not understood. */
function hoursIn(options: readonly string[]): number {
  try {
    const { values } = parseArgs({
      args: [...options],
      options: { hours: { type: 'string' }, seed: { type: 'string', default: '1' } },
    });
    return /^\d+$/.test(values.seed) ? Number(values.hours) : Number.NaN;
  } catch {
    return Number.NaN;
  }
}

function complain(code: number, text: string): number {
  console.error(`board: ${text}`);
  return code;
}
