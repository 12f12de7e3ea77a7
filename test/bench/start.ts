// From the start of the process to its hello at the server, with simulated devices: what a boot waits for of ours.

import { endChild } from './child.ts';
import { meetDaemon } from './daemon.ts';
import type { Bench } from './lab.ts';

const STARTS = 30;
/** The first one reads the files from the disk, once in the life of a boot. */
const WARM_UP = 1;
const GOAL_MS = 500;

export const startBench: Bench = {
  name: 'start',
  about: 'start of the process -> hello at the server',
  async measure(lab) {
    const samples: number[] = [];
    for (let round = -WARM_UP; round < STARTS; round += 1) {
      const { daemon, session, startedMs } = await meetDaemon(lab, {});
      const hello = session.received.find((heard) => heard.kind === 'text');
      if (hello === undefined) throw new Error('greeted without a hello');
      await endChild(daemon.process);
      if (round >= 0) samples.push(hello.atMs - startedMs);
    }
    return [
      {
        name: 'start -> hello',
        unit: 'ms',
        samples,
        goal: { of: 'median', atMost: GOAL_MS },
        note: 'devices null, server on loopback',
      },
    ];
  },
};
