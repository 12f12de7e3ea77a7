// What this machine is, in the words of its own files: model, system, kernel. Reads and judges nothing.
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

/** The kernel has the firmware's answer as a file too, which needs no device; null: not of a Raspberry Pi. */
export function throttled(path = '/sys/devices/platform/soc/soc:firmware/get_throttled'): number | null {
  const bits = Number.parseInt(firstOf(path) ?? '', 16);
  return Number.isNaN(bits) ? null : bits;
}

/** Of the chip; null: it has no sensor, or it does not say. */
export function temperatureC(path = '/sys/class/thermal/thermal_zone0/temp'): number | null {
  const thousandths = Number.parseInt(firstOf(path) ?? '', 10);
  return Number.isNaN(thousandths) ? null : Math.round(thousandths / 1_000);
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
