// Runs a compiled adapter in a process of its own, far from this project's node_modules: as on a machine where an
// optional package did not install. The script sees the adapter's exports as `adapter`.

import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const compiled = fileURLToPath(new URL('../../../src', import.meta.url));

export async function runElsewhere(
  adapter: string,
  script: string,
  packages: Readonly<Record<string, string>> = {},
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'xz-'));
  try {
    await cp(join(compiled, 'adapters', 'linux'), join(folder, 'adapters', 'linux'), { recursive: true });
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    for (const [path, text] of Object.entries(packages)) {
      const file = join(folder, 'node_modules', path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
    }
    const main = `import * as adapter from './adapters/linux/${adapter}';\n${script}\n`;
    await writeFile(join(folder, 'main.js'), main);
    return await run(join(folder, 'main.js'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function run(file: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [file], (error, stdout) => (error ? reject(error) : resolve(stdout.trim())));
  });
}
