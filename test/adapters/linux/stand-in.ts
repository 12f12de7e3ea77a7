// A program that stands in for arecord or aplay where the real one cannot be brought to do what is to be shown
// (a busy card needs a card): a shell script in a folder of its own, found through PATH.

import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type StandIn = {
  readonly folder: string;
  readonly environment: Record<string, string | undefined>;
  remove(): Promise<void>;
};

export async function standIn(program: string, script: string): Promise<StandIn> {
  const folder = await mkdtemp(join(tmpdir(), 'xz-'));
  await writeFile(join(folder, program), `#!/bin/sh\n${script}\n`);
  await chmod(join(folder, program), 0o755);
  return {
    folder,
    environment: { PATH: `${folder}:${process.env.PATH ?? ''}`, FOLDER: folder },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
