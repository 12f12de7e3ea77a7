// The daemon as its own process, started before there is anybody to talk to.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { until } from '../helpers/card.ts';
import { type Daemon, type DaemonOptions, type Folders, folders, startDaemon } from '../helpers/daemon.ts';
import { type PlainServer, plainServer } from '../helpers/plain-server.ts';

const QUICK = { 'link.backoff_base_ms': '50', 'link.backoff_cap_ms': '200', 'link.first_retry_ms': '20' };

describe('D15 a start without a network', { concurrency: 2 }, () => {
  const places: Folders[] = [];
  const daemons: Daemon[] = [];
  let server: PlainServer;

  before(async () => {
    server = await plainServer();
    await server.down();
  });
  after(async () => {
    for (const daemon of daemons) await daemon.stop();
    for (const place of places) await place.remove();
    await server.down();
  });

  async function start(options: DaemonOptions): Promise<Daemon> {
    const place = await folders();
    places.push(place);
    const daemon = startDaemon(place, options);
    daemons.push(daemon);
    return daemon;
  }

  it('D15 stays up while nobody listens, says why, and connects when the server appears', async () => {
    const daemon = await start({
      settings: { ...QUICK, 'server.websocket_url': server.url, 'button.backend': 'none' },
    });
    await until(() => daemon.count(/link attempt failed/) >= 2, 'two attempts');
    const status = await daemon.ask('status');
    assert.equal(status.code, 1, status.stdout + status.stderr);
    assert.match(status.stdout, /refuses the connection/);
    await server.up();
    await daemon.logged(/link ready/);
    await until(() => server.hellos === 1, 'its hello');
    assert.equal((await daemon.ask('status')).code, 0);
  });

  it('D15 stays up while the name of the server cannot be found, and answers whoever asks', async () => {
    // RFC 6761 §6.4: no name in .invalid is ever found, by any resolver.
    const settings = { ...QUICK, 'server.websocket_url': 'ws://xiaozhi.invalid/' };
    const daemon = await start({ settings });
    await until(() => daemon.count(/link attempt failed/) >= 2, 'two attempts');
    const status = await daemon.ask('status');
    assert.equal(status.code, 1, status.stdout + status.stderr);
    assert.match(status.stdout, /xiaozhi\.invalid/);
    const press = await daemon.ask('press');
    assert.equal(press.code, 0, press.stderr);
    assert.equal(await daemon.stop(), 0);
  });
});
