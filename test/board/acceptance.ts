// The whole box on a virtual board: the package as a board gets it, a button on a GPIO line of the kernel's, a sound card of
// the kernel's, systemd, and a cable; servers of ours at its other end. Each scene shows the lines of the journal that prove
// it. Run by run.ts, in a network of its own.
//   acceptance.js FOLDER DEB NEWER_DEB
import { after, before, describe, it } from 'node:test';
import { adapterTests } from './adapters.ts';
import { careScenes, lastScenes } from './scenes/care.ts';
import { handScenes } from './scenes/hands.ts';
import { roadScenes } from './scenes/road.ts';
import { type Scene, Stage } from './stage.ts';
import { Table } from './table.ts';

const [FOLDER = '', DEB = '', NEWER_DEB = ''] = process.argv.slice(2);

describe('a virtual board', () => {
  const table = new Table(FOLDER, DEB);
  let stage: Stage;
  const scene: Scene = (name, act) => {
    const tell = table.row(name);
    it(name, () =>
      tell(stage.journal, async () => {
        try {
          return await act(stage, stage.journal.mark());
        } catch (error) {
          await stage.restore();
          throw error;
        }
      }),
    );
  };

  before(async () => {
    stage = await Stage.open(FOLDER, DEB);
    await stage.put(NEWER_DEB, '/root/newer.deb');
    await stage.configure(stage.server.url);
  });
  after(async () => {
    try {
      await stage?.close();
    } finally {
      table.tell(stage?.late ?? 0);
    }
  });

  roadScenes(scene);
  handScenes(scene);
  careScenes(scene, FOLDER);
  scene('has adapters that keep their contracts on a kernel', adapterTests);
  lastScenes(scene);
});
