// `setup`: shows what a kit changes in a Raspberry Pi's config.txt, makes it when told to, with a backup, and takes it out again.
import { copyFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { changedLines, conflictOf, KITS, lostMark, withKits } from '../config/boot-file.ts';
import { EXIT, Stop } from './exit.ts';

/** Where it is since Debian 12; before, it was /boot/config.txt. */
const BOOT_FILE = '/boot/firmware/config.txt';

export function setup(args: string[]): void {
  const { values, positionals: kits } = parseArgs({
    args,
    options: {
      'boot-file': { type: 'string', default: BOOT_FILE },
      apply: { type: 'boolean', default: false },
      undo: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  const file = values['boot-file'];
  const names = Object.keys(KITS).join(', ');
  const unknown = kits.find((kit) => !Object.hasOwn(KITS, kit));
  if (unknown !== undefined) throw new Stop(EXIT.usage, `there is no kit "${unknown}"; there are: ${names}`);
  if (values.undo === kits.length > 0)
    throw new Stop(EXIT.usage, `setup takes one or more kits (${names}), or --undo`);
  const conflict = conflictOf(kits);
  if (conflict !== null) throw new Stop(EXIT.usage, conflict);
  if (!existsSync(file))
    throw new Stop(
      EXIT.failed,
      `there is no ${file}: this is no Raspberry Pi, or name the file with --boot-file`,
    );
  const before = readFileSync(file, 'utf8');
  const lost = lostMark(before);
  if (lost !== null)
    throw new Stop(
      EXIT.failed,
      `${file} has lost the line "${lost}": put it back after the last line of xiaozhi-agent, then try again`,
    );
  const after = withKits(before, kits);
  if (after === before) {
    process.stdout.write(`${file} has it like that already\n`);
    return;
  }
  process.stdout.write([file, ...changedLines(before, after), ''].join('\n'));
  if (values.apply || values.undo) change(file, after);
  else process.stdout.write('nothing is changed yet: the same with --apply does it\n');
}

/** The backup is of what the owner had: a second change does not overwrite it. */
function change(file: string, text: string): void {
  const backup = `${file}.before-xiaozhi-agent`;
  try {
    if (!existsSync(backup)) copyFileSync(file, backup);
    // On the FAT of the boot partition a rename is the nearest there is to all or nothing.
    writeFileSync(`${file}.new`, text, { flush: true });
    renameSync(`${file}.new`, file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EPERM') throw new Stop(EXIT.failed, message);
    throw new Stop(EXIT.noPermission, `no permission to write ${file}: sudo xiaozhi-agent setup …`);
  }
  process.stdout.write(`changed; the old file is ${backup}. It counts from the next start on: sudo reboot\n`);
}
