// The architecture as a test: every import of every source file keeps to the layers.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { LAYERS, layerOf, sourceFiles, violations } from './helpers/layers.ts';

const SOURCE = join(import.meta.dirname, '../../src');
/** There are more; a walk that finds fewer has lost its way and would find nothing wrong either. */
const LEAST_FILES = 60;

describe('layers', () => {
  it('are kept by every source file', () => {
    assert.deepEqual(violations(SOURCE), []);
  });

  it('are looked for in all the source files there are', () => {
    assert.ok(sourceFiles(SOURCE).length >= LEAST_FILES, `only ${sourceFiles(SOURCE).length} files`);
    for (const layer of LAYERS)
      assert.ok(
        sourceFiles(SOURCE).some((file) => layerOf(file) === layer),
        `no file in layer ${layer.name}`,
      );
  });
});

describe('a planted violation', () => {
  let copy: string;
  before(() => {
    copy = mkdtempSync(join(tmpdir(), 'xz-layers-'));
  });
  after(() => rmSync(copy, { recursive: true, force: true }));

  const plant = (file: string, text: string) => {
    cpSync(SOURCE, copy, { recursive: true });
    writeFileSync(join(copy, file), text);
    const found = violations(copy);
    rmSync(join(copy, file));
    return found.map((one) => `${one.file}: ${one.import}`);
  };

  const PLANTS: readonly (readonly [string, string, string, string])[] = [
    [
      'of the core importing a Node module',
      'core/planted.ts',
      "import { readFileSync } from 'node:fs';",
      'node:fs',
    ],
    [
      'of the core importing a port',
      'core/planted.ts',
      "import type { Clock } from '../ports.ts';",
      '../ports.ts',
    ],
    [
      'of the core importing a value of the protocol',
      'core/planted.ts',
      "import { frame } from '../protocol/framing.ts';",
      '../protocol/framing.ts',
    ],
    ['of the core asking for the time', 'core/planted.ts', 'export const now = Date.now();', 'Date.now'],
    [
      'of the protocol importing the core',
      'protocol/planted.ts',
      "import type { Act } from '../core/events.ts';",
      '../core/events.ts',
    ],
    [
      'of an adapter importing the core',
      'adapters/linux/planted.ts',
      "import { step } from '../../core/step.ts';",
      '../../core/step.ts',
    ],
    [
      'of an adapter importing the audio path',
      'adapters/sim/planted.ts',
      "import { Uplink } from '../../audio/uplink.ts';",
      '../../audio/uplink.ts',
    ],
    [
      'of the agent importing an adapter',
      'planted.ts',
      "import { clock } from './adapters/linux/clock.ts';",
      './adapters/linux/clock.ts',
    ],
    [
      'of the agent importing the client',
      'planted.ts',
      "import { XiaozhiClient } from './client.ts';",
      './client.ts',
    ],
    [
      'of the client importing the audio path',
      'client/planted.ts',
      "import { Uplink } from '../audio/uplink.ts';",
      '../audio/uplink.ts',
    ],
    [
      'of the client importing a command',
      'client/planted.ts',
      "import { EXIT } from '../commands/exit.ts';",
      '../commands/exit.ts',
    ],
    [
      'of the client reading a file',
      'client/planted.ts',
      "import { readFileSync } from 'node:fs';",
      'node:fs',
    ],
    ['of the client keeping time by itself', 'client/planted.ts', 'setTimeout(() => {}, 1);', 'setTimeout'],
    ['of the agent importing a package', 'planted.ts', "import { WebSocket } from 'ws';", 'ws'],
    [
      'of a lazy import',
      'audio/planted.ts',
      "export const late = () => import('../agent.ts');",
      '../agent.ts',
    ],
    ['of a re-export', 'audio/planted.ts', "export { Agent } from '../agent.ts';", '../agent.ts'],
    [
      'of the environment read outside the process',
      'agent-planted.ts',
      'export const home = process.env.HOME;',
      'process.env',
    ],
    ['of a file in no layer', 'planted/planted.ts', 'export {};', ''],
  ];

  for (const [sentence, file, text, name] of PLANTS)
    it(`${sentence} is found`, () => {
      if (file.startsWith('planted/'))
        cpSync(join(SOURCE, 'core'), join(copy, 'planted'), { recursive: true });
      const found = plant(file, text);
      rmSync(join(copy, 'planted'), { recursive: true, force: true });
      assert.ok(found.includes(`${file}: ${name}`), found.join('\n'));
    });
});
