// `npm run test:board` and `npm run soak:board`: a virtual board that is made when there is none, the package made of this tree
// and a newer one of itself, and what is to be tried with them, in a network and among processes of its own, so that nothing
// of it reaches farther or is left behind. Needs root, and what deploy/prerequisites.sh brings for a board; takes minutes, for
// the machine is emulated. Not part of `npm test`. Ends with 0 all well, 1 something is not, 2 usage, 4 not root.
//   run.js acceptance | soak --hours N [--seed S]
//   BOARD_ARCH: amd64 (default) or arm64.   BOARD_FOLDER: where the board is kept; ~/.cache/xiaozhi-agent/board-ARCH without it.
//   BOARD_DEB: that package instead of a new one.   BOARD_MIRROR: see build.sh.
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { newerOf, packageOfThisTree } from './package.ts';

const BUILD = join(import.meta.dirname, '../../../test/board/build.sh');
/** An arm64 board is made of programs that are emulated: a quarter of an hour on two cores. */
const BUILD_MS = 3_600_000;
/** What comes to a standstill ends; an emulated arm64 takes an hour and more on two busy cores. */
const ACCEPTANCE_MS = 3 * 3_600_000;
/** After the last fault, until a soak has looked once more. */
const SOAK_END_MS = 900_000;
/** Of flock: somebody else has it. */
const LOCKED = 5;
/** What a run leaves; an earlier one's must not pass for it. */
const RESULTS = ['acceptance.json', 'screens', 'soak.csv', 'soak.png', 'journal.log', 'not-whole'];

const arch = process.env.BOARD_ARCH ?? 'amd64';
const folder = process.env.BOARD_FOLDER ?? join(homedir(), `.cache/xiaozhi-agent/board-${arch}`);
process.exitCode = main(process.argv.slice(2));

function main(args: readonly string[]): number {
  const act = actOf(args);
  if (act === undefined || !['amd64', 'arm64'].includes(arch))
    return complain(2, 'usage: run.js acceptance | soak --hours N [--seed S]; BOARD_ARCH is amd64 or arm64');
  if (process.getuid?.() !== 0) return complain(4, 'root is needed');
  mkdirSync(folder, { recursive: true });
  for (const name of RESULTS) rmSync(join(folder, name), { recursive: true, force: true });
  if (!isBuilt() && alone(BUILD_MS, [], ['sh', BUILD, arch, folder]).status !== 0)
    return complain(1, 'the board could not be made');
  const deb = process.env.BOARD_DEB ?? packageOfThisTree(folder, arch);
  const newer = act.isUpgraded ? [newerOf(deb, folder)] : [];
  const scratch = mkdtempSync(join(tmpdir(), 'board-'));
  process.env.TMPDIR = scratch;
  const { status, error } = alone(
    act.mostMs,
    ['--net'],
    [...act.program, folder, deb, ...newer, ...act.options],
  );
  rmSync(scratch, { recursive: true, force: true });
  if (error !== undefined)
    return complain(1, `not over after ${act.mostMs / 60_000} min, or: ${error.message}`);
  if (status === LOCKED) return complain(1, `another run is at ${folder}`);
  return status === 0 ? 0 : 1;
}

/** Whatever it starts or mounts ends with it, and it with this process, however they end; one at a time in that folder. */
function alone(mostMs: number, own: readonly string[], command: readonly string[]): SpawnSyncReturns<Buffer> {
  const lock = ['flock', '--no-fork', '--nonblock', '--conflict-exit-code', String(LOCKED), folder];
  const spaces = ['unshare', ...own, '--pid', '--fork', '--kill-child', '--mount-proc'];
  return spawnSync('setpriv', ['--pdeathsig', 'KILL', ...lock, ...spaces, ...command], {
    stdio: 'inherit',
    timeout: mostMs,
    killSignal: 'SIGKILL',
  });
}

type Act = {
  readonly mostMs: number;
  readonly program: readonly string[];
  readonly options: readonly string[];
  readonly isUpgraded: boolean;
};

/** Undefined: it is not understood. */
function actOf([what = '', ...options]: readonly string[]): Act | undefined {
  const script = (name: string) => join(import.meta.dirname, `${name}.js`);
  if (what === 'acceptance' && options.length === 0) {
    const program = [process.execPath, '--test-reporter=spec', '--test-force-exit', script('acceptance')];
    return { mostMs: ACCEPTANCE_MS, program, options, isUpgraded: true };
  }
  const hours = what === 'soak' ? hoursIn(options) : Number.NaN;
  if (!(hours > 0 && hours < 10_000)) return undefined;
  const mostMs = Math.round(hours * 3_600_000) + SOAK_END_MS;
  return { mostMs, program: [process.execPath, script('soak')], options, isUpgraded: false };
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

/** To its end, for that processor, and by the very script that is here. */
function isBuilt(): boolean {
  const said = (name: string) =>
    existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8').trim() : undefined;
  return said('arch') === arch && said('made-by') === readFileSync(BUILD, 'utf8').trim();
}

function complain(code: number, text: string): number {
  console.error(`board: ${text}`);
  return code;
}
