// A board without a battery: its clock is wrong until the network tells the time, and certificates seem not to be valid
// yet. Whole agent, real TLS, real file.
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { WebSocketServer } from 'ws';
import { clock } from '../../src/adapters/linux/clock.ts';
import { clockSync } from '../../src/adapters/linux/clock-sync.ts';
import { wsDialer } from '../../src/adapters/linux/ws-socket.ts';
import { authority } from '../adapters/linux/certificates.ts';
import { agentRig } from '../helpers/agent-rig.ts';

const HELLO = JSON.stringify({ type: 'hello', transport: 'websocket', session_id: '01', audio_params: {} });

describe('S22 a certificate that is not valid yet', () => {
  it('is tried again at once when the clock has been set right', async () => {
    const ours = authority('Kitchen');
    const web = createServer({ ...ours.sign('IP:127.0.0.1', '20400101000000Z') });
    const sockets = new WebSocketServer({ server: web });
    sockets.on('connection', (socket) => socket.on('message', () => socket.send(HELLO)));
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    const path = join(ours.directory, 'synchronized');
    const real = wsDialer({ clock, clockIsSet: () => existsSync(path) });
    const rig = agentRig(`wss://127.0.0.1:${(web.address() as AddressInfo).port}/`, {}, undefined, {
      dialer: () => ({ dial: (request, on) => real.dial({ ...request, caFile: ours.caFile }, on) }),
      clockSync: clockSync({ clock, path }),
    });
    try {
      await rig.linkIs('waiting');
      const { link } = rig.agent.state;
      assert.ok(link.phase === 'waiting' && link.loss.class === 'clock', JSON.stringify(link));
      assert.equal(link.delayMs, 5_000);
      web.setSecureContext(ours.sign('IP:127.0.0.1'));
      writeFileSync(path, '');
      await rig.linkIs('ready');
      const ready = rig.agent.state.link;
      assert.equal(ready.phase === 'ready' && ready.cause, 'clock set', 'not by waiting out the 5 s');
    } finally {
      rig.stop();
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
      web.closeAllConnections();
      await new Promise((resolve) => web.close(resolve));
      ours.remove();
    }
  });
});
