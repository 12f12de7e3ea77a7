// libgpiod's programs as they were recorded with a kernel's simulated chip, version 1.6.3 on Debian 12 and 2.2.1 on Debian
// 13: a folder of shell scripts that say what those said. The finger is a file of edges; what a line does is a file too.
// To extend: $FOLDER holds `level` (0 or 1), `edges` (a fifo), `trouble` (last words of whoever asks for the line).

import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type Generation = 1 | 2;

const COPYRIGHT = 'License: GPL\nThis is free software: you are free to change and redistribute it.';

const VERSIONS = {
  1: `gpiomon (libgpiod) v1.6.3\n${COPYRIGHT}`,
  2: `gpiomon (libgpiod) v2.2.1\n${COPYRIGHT}`,
};

/** Tabs as they are; 1.6 ends its lines with a blank. */
export const INFO = {
  1: [
    'gpiochip0 - 32 lines:',
    '\tline   0:      unnamed       unused   input  active-high ',
    '\tline  16:     "GPIO16"       kernel   input  active-high [used]',
    '\tline  17:     "GPIO17"       unused   input  active-high ',
    '\tline  18:      unnamed       unused   input  active-high ',
  ].join('\n'),
  2: [
    'gpiochip0 - 32 lines:',
    '\tline   0:\tunnamed         \tinput',
    '\tline  17:\t"GPIO17"        \tinput',
    '\tline  18:\tunnamed         \tinput',
  ].join('\n'),
};

export const INFO_HELD = {
  1: INFO[1].replace(
    /.*"GPIO17".*/,
    '\tline  17:     "GPIO17"    "gpiomon"   input   active-low [used pull-up]',
  ),
  2: INFO[2].replace(
    /.*"GPIO17".*/,
    '\tline  17:\t"GPIO17"        \tinput active-low bias=pull-up edges=both debounce-period=10ms consumer="gpiomon"',
  ),
};

/** What each program says of a line that somebody else has, of one for others, and of a chip that goes away. */
export const WORDS = {
  1: {
    busy: 'gpioget: error reading GPIO values: Device or resource busy',
    denied: 'gpiodetect: unable to access GPIO chips: Permission denied',
    vanished: 'gpiomon: error waiting for events: No such device',
  },
  2: {
    busy: 'gpioget: unable to request lines: Device or resource busy',
    denied: "gpiodetect: unable to open chip '/dev/gpiochip0': Permission denied",
    vanished: 'gpiomon: error reading line events: No such device',
  },
};

const FALLEN = { 1: '0', 2: '2' };

export type RecordedGpiod = {
  readonly folder: string;
  readonly devices: string;
  readonly environment: Record<string, string | undefined>;
  /** Lines that gpiomon prints from now on. */
  edges(...lines: readonly string[]): void;
  /** There is somebody who reads them. */
  isHeard(): boolean;
  press(): void;
  release(): void;
  /** The flags each program was called with, one line each. */
  calls(): readonly string[];
  write(file: string, text: string): void;
  remove(): Promise<void>;
};

export function recordedGpiod(generation: Generation, label = 'pinctrl-bcm2711'): RecordedGpiod {
  const folder = mkdtempSync(join(tmpdir(), 'xz-'));
  const devices = join(folder, 'dev');
  mkdirSync(devices);
  const write = (file: string, text: string) => writeFileSync(join(folder, file), text, { mode: 0o755 });
  write('dev/gpiochip0', '');
  write('version', VERSIONS[generation]);
  write('detected', `gpiochip0 [${label}] (32 lines)`);
  write('info', INFO[generation]);
  write('level', '0');
  execFileSync('mkfifo', [join(folder, 'edges')]);
  // gpiomon opens it for writing too, so that it neither waits for a finger nor sees an end.
  const banner = generation === 2 ? `echo "Monitoring line '17'..."` : ':';
  const program = (name: string, body: string) =>
    write(name, `#!/bin/sh\necho "${name} $*" >> "$FOLDER/calls"\n${body}\n`);
  program(
    'gpiodetect',
    'if [ -s "$FOLDER/denied" ]; then cat "$FOLDER/denied" >&2; exit 1; fi; cat "$FOLDER/detected"',
  );
  program('gpioinfo', 'cat "$FOLDER/info"');
  program(
    'gpioget',
    'if [ -s "$FOLDER/busy" ]; then cat "$FOLDER/busy" >&2; exit 1; fi; cat "$FOLDER/level"',
  );
  program(
    'gpiomon',
    `[ "$1" = --version ] && { cat "$FOLDER/version"; exit; }
${banner}
if [ -s "$FOLDER/vanished" ]; then cat "$FOLDER/vanished" >&2; exit 1; fi
exec cat <> "$FOLDER/edges"`,
  );
  /** Without a reader an edge is lost, as it is on a line that nobody has asked for. */
  const written = (text: string) => {
    try {
      const file = openSync(join(folder, 'edges'), constants.O_WRONLY | constants.O_NONBLOCK);
      writeSync(file, text);
      closeSync(file);
      return true;
    } catch {
      return false;
    }
  };
  const edges = (...lines: readonly string[]) => void written(lines.map((line) => `${line}\n`).join(''));
  return {
    folder,
    devices,
    environment: { PATH: `${folder}:/usr/bin:/bin`, FOLDER: folder },
    edges,
    isHeard: () => written(''),
    press: () => edges('1'),
    release: () => edges(FALLEN[generation]),
    calls() {
      const file = join(folder, 'calls');
      return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
    },
    write,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
