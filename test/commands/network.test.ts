// What `link.network_watch` makes of the daemon, as `status` tells it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Status } from '../../src/status.ts';
import { folders, startDaemon } from '../helpers/daemon.ts';
import { type Session, startScriptedServer } from '../helpers/scripted-server.ts';

const greet = async (session: Session) => {
  await session.next('hello', Number.POSITIVE_INFINITY);
  session.hello();
  await session.closed;
};

describe('S23 link.network_watch', { concurrency: 2 }, () => {
  for (const [setting, watchedBy, usable] of [
    ['auto', 'ip monitor', true],
    ['poll', 'polling (no monitor wanted)', true],
    ['off', 'nothing', null],
  ] as const)
    it(`= "${setting}": watched by ${watchedBy}`, async () => {
      const places = await folders();
      const server = await startScriptedServer(greet);
      const daemon = startDaemon(places, {
        settings: { 'server.websocket_url': server.url, 'link.network_watch': setting },
      });
      try {
        await daemon.logged(/link ready/);
        if (usable !== null) await daemon.logged(/ network .*usable=true/);
        const { network } = JSON.parse((await daemon.ask('status', '--json')).stdout) as Status;
        assert.deepEqual([network.watched_by, network.usable], [watchedBy, usable]);
        const { stdout } = await daemon.ask('status');
        assert.match(stdout, usable === null ? /^network +not known$/m : /^network +lo 127\.0\.0\.1$/m);
      } finally {
        assert.equal(await daemon.stop(), 0);
        await server.stop();
        await places.remove();
      }
    });
});
