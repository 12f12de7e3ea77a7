// Disks that are full or may not be written, and files that make no sense: the box answers all the same, and says so once for
// each file.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { command, type Daemon, type Folders, folders, startDaemon } from '../helpers/daemon.ts';

/** Room for a page, which the filling takes. */
const TINY = 'size=64k';
const skip = process.getuid?.() === 0 ? false : 'only root may mount';

async function onDisk(
  options: string,
  prepare: (state: string) => void,
  use: (places: Folders) => Promise<void>,
) {
  const places = await folders();
  const state = join(places.root, 's');
  mkdirSync(state);
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'none', state]);
  try {
    prepare(state);
    await use(places);
  } finally {
    execFileSync('umount', ['-l', state]);
    await places.remove();
  }
}

/** As much as goes in, and not a byte of room left. */
function filled(state: string): void {
  assert.throws(() => writeFileSync(join(state, 'filling'), Buffer.alloc(1_000_000)), /ENOSPC/);
}

const nothing = () => undefined;

async function answersAndEnds(daemon: Daemon): Promise<void> {
  assert.equal((await daemon.ask('press')).code, 0);
  assert.equal((await daemon.ask('volume', '40')).code, 0);
  assert.match((await daemon.ask('status')).stdout, /^next /m);
  assert.equal(await daemon.stop(), 0);
  for (const name of ['link.json', 'last-run.json', 'identity', 'prefs.json'])
    assert.ok(
      daemon.count(new RegExp(`${name}.* cannot be kept|cannot be kept.*${name}`)) <= 1,
      daemon.log(),
    );
  assert.ok(daemon.count(/cannot be kept.* code=XA-STATE-/) >= 2, daemon.log());
  assert.equal(daemon.count(/unexpected error/), 0);
}

describe('a box whose state cannot be kept', () => {
  it('answers with a full disk', { skip }, () =>
    onDisk(TINY, filled, async (places) => {
      const daemon = startDaemon(places);
      await daemon.logged(/cannot be kept.*ENOSPC/);
      await answersAndEnds(daemon);
      const { stdout } = await command(['doctor', 'state', ...places.options]);
      assert.match(stdout, /^FAIL state +free space: none/m);
    }),
  );

  it('answers with a disk that may not be written', { skip }, () =>
    onDisk(`${TINY},ro`, nothing, async (places) => {
      const daemon = startDaemon(places);
      await daemon.logged(/cannot be kept.*EROFS/);
      await answersAndEnds(daemon);
    }),
  );

  it('keeps it again as soon as there is room', { skip }, () =>
    onDisk(TINY, filled, async (places) => {
      const daemon = startDaemon(places);
      await daemon.logged(/cannot be kept.*last-run\.json.*ENOSPC/);
      writeFileSync(join(places.root, 's', 'filling'), '');
      assert.equal(await daemon.stop(), 0);
      assert.equal(JSON.parse(readFileSync(join(places.root, 's', 'last-run.json'), 'utf8')).clean, true);
      assert.ok(daemon.count(/the state is kept again/) >= 1);
    }),
  );
});

describe('a box with state that makes no sense', () => {
  for (const bad of ['', '{"version":', '[1,2', 'null', '\0\0\0\0'])
    it(`begins anew from ${JSON.stringify(bad)}, and keeps it for a person to look at`, async () => {
      const places = await folders();
      const state = join(places.root, 's');
      mkdirSync(state);
      const names = ['link.json', 'last-run.json', 'prefs.json', 'identity.json'];
      for (const name of names) writeFileSync(join(state, name), bad);
      const daemon = startDaemon(places);
      await daemon.logged(/no earlier run is known/);
      assert.equal((await daemon.ask('press')).code, 0);
      assert.equal(await daemon.stop(), 0);
      for (const name of names) {
        assert.equal(daemon.count(new RegExp(`warn .*/${name.replace('.', '\\.')}\\b`)), 1, daemon.log());
        assert.ok(existsSync(join(state, `${name}.bad`)), name);
      }
      await places.remove();
    });
});
