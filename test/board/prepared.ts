// A virtual board that is made when there is none, the package made of this tree and a newer one of itself, and what is to be tried
// with them, in a network of its own, so that nothing of it reaches farther. Run by run.ts, which sees to it that nobody else
// is at that folder. Ends with what it ended with.
//   prepared.js ARCH FOLDER SCRATCH acceptance | soak OPTION...
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { newerOf, packageOfThisTree } from './package.ts';

const BUILD = join(import.meta.dirname, '../../../test/board/build.sh');
/** What a run leaves; an earlier one's must not pass for it. */
const RESULTS = ['acceptance.json', 'screens', 'soak.csv', 'soak.png', 'journal.log', 'not-whole'];

const [arch = '', folder = '', scratch = '', what = '', ...options] = process.argv.slice(2);
for (const name of RESULTS) rmSync(join(folder, name), { recursive: true, force: true });
if (!isBuilt() && run('sh', BUILD, arch, folder) !== 0) throw new Error('the board could not be made');
const deb = process.env.BOARD_DEB ?? packageOfThisTree(folder, arch);
process.env.TMPDIR = scratch;
process.exitCode = run('unshare', '--net', process.execPath, ...act());

function act(): readonly string[] {
  const script = join(import.meta.dirname, `${what}.js`);
  return what === 'acceptance'
    ? ['--test-reporter=spec', '--test-force-exit', script, folder, deb, newerOf(deb, folder)]
    : [script, folder, deb, ...options];
}

function run(program: string, ...args: readonly string[]): number {
  return spawnSync(program, args, { stdio: 'inherit' }).status ?? 1;
}

/** To its end, for that processor, and by the very script that is here. */
function isBuilt(): boolean {
  const said = (name: string) =>
    existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8').trim() : undefined;
  return said('arch') === arch && said('made-by') === readFileSync(BUILD, 'utf8').trim();
}
