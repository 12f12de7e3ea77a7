// One machine with systemd as its first process, in a container: booted from a tree that it does not change, asked by shell
// commands, switched off. Knows nothing of what is installed on it.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { sh } from './trees.ts';

export type Said = { readonly code: number | null; readonly out: string };

export type Machine = {
  /** A shell command there. */
  run(command: string): Said;
  /** The same; it has to end well. */
  get(command: string): string;
  /** Until a command says it, or a minute has passed. */
  says(command: string, what: RegExp): Promise<string>;
  /** The cable to this machine: both ends get their address, or lose it. */
  cable(does: 'plug' | 'pull'): void;
  stop(): Promise<void>;
};

/** As long as a boot and a watchdog take on a runner that is busy, several times. */
const DEADLINE_MS = 60_000;
const POLL_MS = 100;
/** RFC 2544's addresses for tests between machines: nobody else's. */
const [HERE, THERE] = ['198.18.77.1', '198.18.77.2'];
export const HOST = HERE;

/** @param name at most eleven characters, for an interface is named after it */
export async function boot(root: string, name: string): Promise<Machine> {
  const options = [
    '-q',
    '-D',
    root,
    '-b',
    '--register=no',
    '--keep-unit',
    '--network-veth',
    '--volatile=overlay',
  ];
  const nspawn = spawn('systemd-nspawn', [...options, '--console=pipe', '-M', name], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const leader = await leaderOf(nspawn);
  const run = (command: string): Said => {
    const into = ['-t', leader, '-a', '--', 'env', '-i', `PATH=${PATH}`, 'sh', '-c', command];
    const { status, stdout, stderr } = spawnSync('nsenter', into, { encoding: 'utf8' });
    return { code: status, out: `${stdout}${stderr}` };
  };
  const get = (command: string): string => {
    const { code, out } = run(command);
    if (code !== 0) throw new Error(`${command} ended with ${code}: ${out}`);
    return out.trim();
  };
  const says = async (command: string, what: RegExp): Promise<string> => {
    const deadline = AbortSignal.timeout(DEADLINE_MS);
    for (;;) {
      const { out } = run(command);
      if (what.test(out)) return out;
      if (deadline.aborted) throw new Error(`not within ${DEADLINE_MS} ms: ${what} of ${command}: ${out}`);
      await pause(POLL_MS);
    }
  };
  const machine: Machine = {
    run,
    get,
    says,
    cable(does) {
      const own = `ve-${name}`;
      if (does === 'pull') return void get('ip link set host0 down; ip addr flush dev host0');
      sh('ip', 'addr', 'replace', `${HERE}/24`, 'dev', own);
      sh('ip', 'link', 'set', own, 'up');
      get(
        `ip addr replace ${THERE}/24 dev host0; ip link set host0 up; ip route replace default via ${HERE}`,
      );
    },
    async stop() {
      const gone = once(nspawn, 'exit');
      run('systemctl poweroff');
      const late = setTimeout(() => nspawn.kill('SIGKILL'), DEADLINE_MS);
      await gone;
      clearTimeout(late);
    },
  };
  await says('systemctl is-system-running', /running|degraded/);
  return machine;
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The first process there, by its number here. */
async function leaderOf(nspawn: ChildProcess): Promise<string> {
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  while (!deadline.aborted && nspawn.exitCode === null) {
    const children = readFileSync(`/proc/${nspawn.pid}/task/${nspawn.pid}/children`, 'utf8').trim();
    for (const child of children.split(' ').filter((pid) => pid !== ''))
      if (/systemd$/.test(nameOf(child))) return child;
    await pause(POLL_MS);
  }
  throw new Error('the container has no first process');
}

function nameOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}
