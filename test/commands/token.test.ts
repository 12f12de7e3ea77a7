// A token that is mended while the daemon runs.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { folders, startDaemon } from '../helpers/daemon.ts';
import { type Admit, type Session, startScriptedServer } from '../helpers/scripted-server.ts';

describe('S22 a refused token', () => {
  it('is read again for each attempt: SIGHUP, like reconnect, after mending the file is enough', async () => {
    const places = await folders();
    const file = join(places.root, 'token');
    writeFileSync(file, 'wrong', { mode: 0o600 });
    const admit: Admit = ({ headers }) =>
      headers.authorization === 'Bearer right' ? 'accept' : { refuse: 401 };
    const greet = async (session: Session) => {
      await session.next('hello', Number.POSITIVE_INFINITY);
      session.hello();
      await session.closed;
    };
    const server = await startScriptedServer(Object.assign(greet, { admit }));
    const daemon = startDaemon(places, {
      settings: { 'server.websocket_url': server.url, 'server.token_file': file },
    });
    try {
      await daemon.logged(/class=auth/);
      assert.equal((await daemon.ask('status')).code, 1);
      writeFileSync(file, 'right', { mode: 0o600 });
      daemon.process.kill('SIGHUP');
      await daemon.logged(/link ready/);
      assert.equal((await daemon.ask('reconnect')).code, 0);
      assert.doesNotMatch(daemon.log(), /wrong|right/, 'and the log has neither');
    } finally {
      assert.equal(await daemon.stop(), 0);
      await server.stop();
      await places.remove();
    }
  });
});
