// Brings the compiled tests of the adapters to a board and runs them there with the package's own Node and packages (guest.ts),
// while the daemon is away and the board's chip is called otherwise. Knows what they need, not what they test.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { SERVICE, type Shown, type Stage } from './stage.ts';

const ROOT = join(import.meta.dirname, '../../..');
const INSTALLED = '/usr/lib/xiaozhi-agent';
/** Where everybody may read: one test is somebody else. */
const APP = '/opt/tests';

export async function adapterTests({ board }: Stage): Promise<Shown> {
  const { stdout } = spawnSync('tar', ['c', '-C', ROOT, 'package.json', 'dist', 'src/sounds'], {
    maxBuffer: 2 ** 30,
  });
  await board.get(
    `mkdir -p ${APP} && tar x -C ${APP} && ln -sfn ${INSTALLED}/node_modules ${APP}/node_modules`,
    stdout,
  );
  await board.get(`systemctl stop ${SERVICE} wires; wires up wakebank`);
  const { code, out } = await board
    .run(
      `cd ${APP} && ${INSTALLED}/bin/node --test-reporter=spec --test-force-exit --test-timeout=120000 dist/test/board/guest.js`,
    )
    .finally(() => board.get(`rm -rf ${APP}; wires down; systemctl start wires ${SERVICE}`));
  console.log(out);
  assert.equal(code, 0, out);
  return { figures: { tests: Number(/^ℹ tests (\d+)/m.exec(out)?.[1]) }, proof: [] };
}
