// What this machine is, in the words of its own files: model, system, kernel. Reads and judges nothing.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { arch, release, totalmem } from 'node:os';

export type Machine = {
  readonly model: string;
  readonly system: string;
  readonly kernel: string;
  readonly arch: string;
  readonly memoryMb: number;
  /** Another after every start of the machine. */
  readonly boot: string;
};

const MB = 1024 * 1024;
const UNKNOWN = 'unknown';
/** 128 bits: no two boxes of a fleet have the same. */
const MARK_LENGTH = 32;

export function machine(): Machine {
  return {
    model:
      firstOf(
        '/proc/device-tree/model',
        '/sys/class/dmi/id/product_name',
        '/sys/devices/virtual/dmi/id/product_name',
      ) ?? UNKNOWN,
    system: /^PRETTY_NAME="?([^"\n]*)/m.exec(firstOf('/etc/os-release') ?? '')?.[1] ?? UNKNOWN,
    kernel: release(),
    arch: arch(),
    memoryMb: Math.round(totalmem() / MB),
    boot: firstOf('/proc/sys/kernel/random/boot_id') ?? UNKNOWN,
  };
}

/**
 * Tells one installation from a copy of it that has been given an id of its own; null where there is none. A digest: machine-id(5)
 * is not to be shown to others.
 */
export function machineMark(path = '/etc/machine-id'): string | null {
  const id = firstOf(path);
  if (id === undefined || id === 'uninitialized') return null;
  return createHash('sha256').update(`xiaozhi-agent ${id}`).digest('hex').slice(0, MARK_LENGTH);
}

/** The first that can be read, without the nought that the device tree ends its texts with. */
function firstOf(...paths: readonly string[]): string | undefined {
  for (const path of paths) {
    const text = contentOf(path)?.replaceAll('\0', '').trim();
    if (text !== undefined && text !== '') return text;
  }
  return undefined;
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
