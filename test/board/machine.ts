// A virtual board as a machine: built when it is not there, booted once and kept in the state in which it was then, so that
// every later run begins a second after it is asked for; looked at through a network card of its own, with a cable that
// can be pulled. Needs root, and a network namespace for itself (run.ts). Knows nothing of what is installed on it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { openQmp, type Qmp } from './qmp.ts';
import { ended, output, quoted, type Said } from './shell.ts';

export type Board = {
  /** A shell command there, as root, in the board's own network; `input` is what it reads. */
  run(command: string, input?: Uint8Array): Promise<Said>;
  /** The same; it has to end well. */
  get(command: string, input?: Uint8Array): Promise<string>;
  /** What it writes, byte by byte. */
  bytes(command: string): Promise<Buffer>;
  /** A command that goes on, line by line, until what is returned is called. */
  follow(command: string, heard: (line: string) => void): () => void;
  /** Until a command says it. */
  says(command: string, what: RegExp, deadlineMs?: number): Promise<string>;
  /** As somebody with an account there, over the cable. */
  ssh(command: string): Promise<Said>;
  cable(does: 'plug' | 'pull'): Promise<void>;
  /** From the order to go down until it can be looked at again: a cold boot. */
  reboot(): Promise<void>;
  stop(): Promise<void>;
};

type Arch = 'amd64' | 'arm64';

/** RFC 2544's addresses for tests between machines: nobody else's. The board has .2, and .3 after it has moved. */
export const HOST = '198.18.78.1';
export const BOARD = '198.18.78.2';
const [ONLOOKER_HOST, ONLOOKER] = ['198.18.79.1', '198.18.79.2'];

/** An emulated machine boots in half a minute, on busy cores in several. */
const BOOT_MS = 400_000;
/** What it says of itself comes from a Node that is twenty times slower than here. */
export const SAYS_MS = 120_000;
const POLL_MS = 200;

const QEMU = {
  // With five-level page tables the emulator takes a third longer.
  amd64: ['qemu-system-x86_64', '-M', 'q35', '-cpu', 'max,la57=off'],
  arm64: ['qemu-system-aarch64', '-M', 'virt,gic-version=3', '-cpu', 'cortex-a72'],
} as const;
const CONSOLE = { amd64: 'ttyS0', arm64: 'ttyAMA0' } as const;

/** @param folder where build.sh has put it */
export async function startBoard(folder: string): Promise<Board> {
  const arch = readFileSync(join(folder, 'arch'), 'utf8').trim() as Arch;
  await wires();
  const state = join(folder, 'state');
  const disk = join(folder, 'disk.qcow2');
  // Another QEMU, another machine or another disk cannot be in that state.
  const { out: version } = await output(QEMU[arch][0], ['--version']);
  const built = statSync(join(folder, 'disk.ext4')).mtimeMs;
  const machineOf = JSON.stringify([version, built, modelOf(folder, arch)]);
  const kept = join(folder, 'state.of');
  const isFresh = existsSync(state) && existsSync(kept) && readFileSync(kept, 'utf8') === machineOf;
  if (!isFresh) await keepState(folder, arch, disk, state);
  writeFileSync(kept, machineOf);
  const machine = await power(folder, arch, `file=${disk},snapshot=on`, ['-incoming', `exec:cat ${state}`]);
  await machine.until('paused');
  await machine.qmp.order('cont');
  return machine.board();
}

/** Boots it once, and keeps the moment in which it can be looked at. */
async function keepState(folder: string, arch: Arch, disk: string, state: string): Promise<void> {
  for (const file of [disk, state]) rmSync(file, { force: true });
  await ended('qemu-img', 'create', '-q', '-f', 'qcow2', '-b', join(folder, 'disk.ext4'), '-F', 'raw', disk);
  console.log('board: it is booted once, and kept in the state it is in then');
  const machine = await power(folder, arch, `file=${disk}`, []);
  const board = await machine.board();
  await board.get('systemctl is-system-running --wait; journalctl --flush; sync');
  await machine.forget();
  await machine.qmp.order('stop');
  await machine.qmp.order('migrate', { uri: `exec:cat >${state}.part` });
  const deadline = AbortSignal.timeout(BOOT_MS);
  for (;;) {
    const { status } = (await machine.qmp.order('query-migrate')) as { status?: string };
    if (status === 'completed') break;
    if (status === 'failed' || deadline.aborted) throw new Error(`the state is not kept: ${status}`);
    await pause(POLL_MS);
  }
  await machine.quit();
  renameSync(`${state}.part`, state);
}

/** Both ends of both cables. */
async function wires(): Promise<void> {
  await ended('ip', 'link', 'set', 'lo', 'up');
  for (const [name, address] of [
    ['cable', HOST],
    ['onlooker', ONLOOKER_HOST],
  ] as const) {
    await ended('ip', 'tuntap', 'add', name, 'mode', 'tap');
    await ended('ip', 'address', 'add', `${address}/24`, 'dev', name);
    await ended('ip', 'link', 'set', name, 'up');
  }
}

class Machine {
  readonly qmp: Qmp;
  readonly #qemu: ChildProcess;
  readonly #scratch: string;
  readonly #key: string;

  constructor(qemu: ChildProcess, qmp: Qmp, scratch: string, key: string) {
    this.#qemu = qemu;
    this.qmp = qmp;
    this.#scratch = scratch;
    this.#key = key;
  }

  async until(wanted: string): Promise<void> {
    const deadline = AbortSignal.timeout(BOOT_MS);
    for (;;) {
      const { status } = (await this.qmp.order('query-status')) as { status: string };
      if (status === wanted) return;
      if (deadline.aborted) throw new Error(`the machine is ${status}, not ${wanted}`);
      await pause(POLL_MS);
    }
  }

  async board(): Promise<Board> {
    // Its clock stands where it stood when the state was kept.
    const look = () => this.#root(`date -s @${Math.round(Date.now() / 1_000)}`);
    await this.#reachable(look);
    const run = (command: string, input?: Uint8Array) => this.#root(command, input);
    const get = async (command: string, input?: Uint8Array) => {
      const { code, out } = await run(command, input);
      if (code !== 0) throw new Error(`${command} ended with ${code}: ${out}`);
      return out.trim();
    };
    return {
      run,
      get,
      bytes: async (command) => (await this.#ssh(`root@${ONLOOKER}`, command)).bytes,
      async says(command, what, deadlineMs = SAYS_MS) {
        const deadline = AbortSignal.timeout(deadlineMs);
        for (;;) {
          const { out } = await run(command);
          if (what.test(out)) return out;
          if (deadline.aborted)
            throw new Error(`not within ${deadlineMs} ms: ${what} of ${command}:\n${out}`);
          await pause(POLL_MS);
        }
      },
      follow: (command, heard) => this.#follow(command, heard),
      ssh: (command) => this.#ssh(`maker@${BOARD}`, command),
      cable: async (does) => {
        await this.qmp.order('set_link', { name: 'cable', up: does === 'plug' });
      },
      reboot: async () => {
        const before = await get('cat /proc/sys/kernel/random/boot_id');
        await run('systemctl reboot');
        await this.forget();
        await this.#reachable(async () => {
          const said = await this.#root('cat /proc/sys/kernel/random/boot_id');
          return said.code === 0 && said.out.trim() === before ? { code: null, out: '' } : said;
        });
      },
      stop: () => this.quit(),
    };
  }

  /** The connections that are kept for the next command. */
  async forget(): Promise<void> {
    for (const who of [`root@${ONLOOKER}`, `maker@${BOARD}`])
      await output('ssh', [...this.#options(), '-O', 'exit', who]);
  }

  async quit(): Promise<void> {
    await this.forget();
    const gone = this.#isGone ? undefined : once(this.#qemu, 'exit');
    // The answer and the end race each other.
    await this.qmp.order('quit').catch(() => undefined);
    await gone;
    this.qmp.close();
    rmSync(this.#scratch, { recursive: true, force: true });
  }

  async #reachable(look: () => Promise<Said>): Promise<void> {
    const deadline = AbortSignal.timeout(BOOT_MS);
    for (;;) {
      const { code, out } = await look();
      if (code === 0) return;
      if (deadline.aborted) throw new Error(`nobody is let in: ${out}`);
      if (this.#isGone) throw new Error(`QEMU ended with ${this.#qemu.exitCode ?? this.#qemu.signalCode}`);
      await pause(POLL_MS);
    }
  }

  get #isGone(): boolean {
    return this.#qemu.exitCode !== null || this.#qemu.signalCode !== null;
  }

  /** The way in is a network of its own; what is asked there is asked in the board's. */
  #root(command: string, input?: Uint8Array): Promise<Said> {
    const inside = `exec nsenter -t 1 -n sh -c ${quoted(command)}`;
    return this.#ssh(`root@${ONLOOKER}`, inside, input);
  }

  #follow(command: string, heard: (line: string) => void): () => void {
    const child = spawn('ssh', [...this.#options(), `root@${ONLOOKER}`, command], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    createInterface({ input: child.stdout }).on('line', heard);
    return () => void child.kill();
  }

  #options(): readonly string[] {
    const settings = {
      StrictHostKeyChecking: 'no',
      UserKnownHostsFile: '/dev/null',
      LogLevel: 'ERROR',
      ConnectTimeout: '20',
      // A kernel that has stopped answers nothing any more; a busy one is late.
      ServerAliveInterval: '30',
      ServerAliveCountMax: '4',
      ControlMaster: 'auto',
      ControlPersist: '600',
      ControlPath: join(this.#scratch, '%C'),
    };
    return [
      '-F',
      'none',
      '-i',
      this.#key,
      ...Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]),
    ];
  }

  #ssh(who: string, command: string, input?: Uint8Array): Promise<Said & { readonly bytes: Buffer }> {
    return output('ssh', [...this.#options(), who, command], input);
  }
}

async function power(folder: string, arch: Arch, drive: string, more: readonly string[]): Promise<Machine> {
  // A socket's path is at most 107 bytes long.
  const scratch = mkdtempSync(join(tmpdir(), 'xzb-'));
  const socket = join(scratch, 'qmp');
  const options = [
    ...modelOf(folder, arch),
    ...['-qmp', `unix:${socket},server=on,wait=off`],
    ...['-drive', `if=none,id=disk,cache=unsafe,${drive}`],
    ...more,
  ];
  const qemu = spawn(QEMU[arch][0], options, { stdio: ['ignore', 'inherit', 'inherit'] });
  return new Machine(qemu, await openQmp(socket), scratch, join(folder, 'key'));
}

/** The machine, but for what is another one each time. */
function modelOf(folder: string, arch: Arch): readonly string[] {
  const [, ...model] = QEMU[arch];
  const kernel = `root=/dev/vda rw console=${CONSOLE[arch]} quiet mitigations=off audit=0 random.trust_cpu=on net.ifnames=0 panic=-1`;
  return [
    [...model, '-accel', 'tcg,thread=multi,tb-size=512', '-smp', '2', '-m', '1024'],
    ['-nodefaults', '-no-user-config', '-display', 'none', '-serial', `file:${join(folder, 'console.log')}`],
    ['-kernel', join(folder, 'vmlinuz'), '-initrd', join(folder, 'initrd.img'), '-append', kernel],
    ['-device', 'virtio-blk-pci,drive=disk'],
    ['-device', 'virtio-rng-pci'],
    card('cable', '78'),
    card('onlooker', '79'),
  ].flat();
}

/** The board knows which is which by the address. */
function card(name: string, net: string): readonly string[] {
  const device = `virtio-net-pci,id=${name},netdev=n-${name},mac=52:54:00:${net}:00:02,romfile=`;
  return ['-netdev', `tap,id=n-${name},ifname=${name},script=no,downscript=no`, '-device', device];
}
