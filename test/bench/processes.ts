// What the kernel knows of a process: memory, and processor time with its children's. Knows no process by name.
import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ, the unit of /proc/PID/stat, is 100 on every Linux that Node runs on. */
const TICK_MS = 10;
const KB_PER_MB = 1_024;

type Times = { readonly parent: number; readonly ownMs: number; readonly reapedMs: number };

export type CpuTime = { readonly ownMs: number; readonly childrenMs: number };

/** Its own, and that of its children: those that live and those that it has waited for. */
export function cpuTime(pid: number): CpuTime {
  const own = timesOf(pid);
  if (own === undefined) throw new Error(`there is no process ${pid}`);
  const live = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => timesOf(Number(name)))
    .filter((times) => times?.parent === pid)
    .reduce((sum, times) => sum + (times?.ownMs ?? 0) + (times?.reapedMs ?? 0), 0);
  return { ownMs: own.ownMs, childrenMs: own.reapedMs + live };
}

function timesOf(pid: number): Times | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // proc(5): after the name in brackets come state (3rd), parent (4th), … utime, stime, cutime, cstime (14th to 17th).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const field = (number: number) => Number(fields[number - 3]);
    return {
      parent: field(4),
      ownMs: (field(14) + field(15)) * TICK_MS,
      reapedMs: (field(16) + field(17)) * TICK_MS,
    };
  } catch {
    return undefined; // It ended while we looked.
  }
}

export type Memory = { readonly rssMb: number; readonly anonymousMb: number };

/** `anonymous` is what is not a mapped file: heap and stacks, without the node binary. */
export function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kb = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]);
  return { rssMb: kb('VmRSS') / KB_PER_MB, anonymousMb: kb('RssAnon') / KB_PER_MB };
}
