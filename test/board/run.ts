// `npm run test:board`: builds a virtual board when there is none, boots it with the compiled tests and the packages they
// need, and ends as they end. Needs root and QEMU; takes minutes, for the machine is emulated. Not part of `npm test`.
//   BOARD_FOLDER: where the board is kept; ~/.cache/xiaozhi-agent/board without it.

import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../../..');
/** What Debian 13's Node takes; another one is brought along. */
const BOARD_ABI = '115';
/** Everything the daemon loads without a sound card, and the package under test. */
const PACKAGES = ['@evan/opus', 'node-record-lpcm16', 'onoff', 'pino', 'smol-toml', 'valibot', 'ws'];
/** A boot takes half a minute without KVM, the tests one more; twice that, and a slow runner. */
const DEADLINE_MS = 600_000;

const folder = process.env.BOARD_FOLDER ?? join(homedir(), '.cache/xiaozhi-agent/board');
if (!existsSync(join(folder, 'disk.ext4'))) {
  const { status } = spawnSync('sh', [join(ROOT, 'test/board/build.sh'), folder], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
const share = mkdtempSync(join(tmpdir(), 'xz-board-'));
try {
  fill(share);
  process.exitCode = boot(folder, share);
} finally {
  rmSync(share, { recursive: true, force: true });
}

function fill(share: string): void {
  const app = join(share, 'app');
  mkdirSync(join(app, 'node_modules'), { recursive: true });
  cpSync(join(ROOT, 'dist'), join(app, 'dist'), { recursive: true });
  copyFileSync(join(ROOT, 'package.json'), join(app, 'package.json'));
  for (const name of withDependencies(PACKAGES))
    cpSync(join(ROOT, 'node_modules', name), join(app, 'node_modules', name), { recursive: true });
  const isOwn = process.versions.modules !== BOARD_ABI;
  if (isOwn) copyFileSync(process.execPath, join(app, 'node'));
  const node = isOwn ? './node' : 'node';
  // From a disk of its own: the shared folder is slow.
  const script = `cp -r /share/app /app && cd /app && exec ${node} --test-timeout=120000 dist/test/board/guest.js\n`;
  writeFileSync(join(share, 'run.sh'), script);
}

function withDependencies(names: readonly string[]): readonly string[] {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dependencies?: Record<string, string> }>;
  };
  const found = new Set<string>();
  const add = (name: string): void => {
    if (found.has(name)) return;
    found.add(name);
    Object.keys(lock.packages[`node_modules/${name}`]?.dependencies ?? {}).forEach(add);
  };
  names.forEach(add);
  return [...found];
}

/** How the tests ended. */
function boot(folder: string, share: string): number {
  const disk = `if=none,id=disk,file=${join(folder, 'disk.ext4')},format=raw,snapshot=on,cache=unsafe`;
  const machine = [
    ['-M', 'q35', '-accel', 'tcg,thread=multi', '-smp', '2', '-m', '1024'],
    // With five-level page tables the emulator takes a third longer.
    [
      '-cpu',
      'max,la57=off',
      '-nodefaults',
      '-display',
      'none',
      '-no-reboot',
      '-serial',
      `file:${join(share, 'console')}`,
    ],
    ['-kernel', join(folder, 'vmlinuz'), '-initrd', join(folder, 'initrd.img')],
    ['-append', 'root=/dev/vda rw console=ttyS0 quiet mitigations=off audit=0 random.trust_cpu=on panic=-1'],
    ['-drive', disk, '-device', 'virtio-blk-pci,drive=disk', '-device', 'virtio-rng-pci'],
    ['-fsdev', `local,id=share,path=${share},security_model=none`],
    ['-device', 'virtio-9p-pci,fsdev=share,mount_tag=share'],
  ].flat();
  const { status, error } = spawnSync('qemu-system-x86_64', machine, {
    stdio: 'inherit',
    timeout: DEADLINE_MS,
  });
  const read = (file: string) =>
    existsSync(join(share, file)) ? readFileSync(join(share, file), 'utf8') : '';
  process.stdout.write(read('run.log'));
  const code = read('run.code').trim();
  if (code !== '') return Number(code);
  console.error(
    `the board did not come to an end (${error?.message ?? `exit code ${status}`}):\n${read('console').slice(-4_000)}`,
  );
  return 1;
}
