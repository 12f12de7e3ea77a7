// The real dialler against real servers: each way of failing becomes exactly one `closed` with its class.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import { createServer, type Server, type Socket as TcpSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { WebSocketServer } from 'ws';
import { clock } from '../../../src/adapters/linux/clock.ts';
import {
  meaningOfClose,
  meaningOfError,
  meaningOfStatus,
} from '../../../src/adapters/linux/failure-class.ts';
import { wsDialer } from '../../../src/adapters/linux/ws-socket.ts';
import type { DialRequest, Loss, Socket } from '../../../src/ports.ts';
import { until } from '../../helpers/card.ts';
import {
  type Entrance,
  type Script,
  type Session,
  startScriptedServer,
} from '../../helpers/scripted-server.ts';

type Dialled = { socket: Socket; opened: number; closed: Loss[]; texts: string[]; binaries: Uint8Array[] };

function dial(url: string, more: Partial<DialRequest> = {}): Dialled {
  const seen = { opened: 0, closed: [] as Loss[], texts: [] as string[], binaries: [] as Uint8Array[] };
  const socket = wsDialer({ clock }).dial(
    { url, headers: {}, deadlineMs: 10_000, ...more },
    {
      opened: () => {
        seen.opened += 1;
      },
      text: (text) => seen.texts.push(text),
      binary: (bytes) => seen.binaries.push(bytes),
      closed: (loss) => seen.closed.push(loss),
    },
  );
  return Object.assign(seen, { socket });
}

async function lossOf(dialled: Dialled): Promise<Loss> {
  await until(() => dialled.closed.length > 0, 'closed');
  const [loss] = dialled.closed;
  if (loss === undefined) throw new Error('no loss');
  return loss;
}

async function against(
  script: Script,
  play: (url: string, session: () => Session) => Promise<void>,
): Promise<void> {
  const server = await startScriptedServer(script);
  try {
    await play(server.url, () => {
      const session = server.sessions[0];
      if (session === undefined) throw new Error('no session');
      return session;
    });
  } finally {
    await server.stop();
  }
}

/** Never ends by itself. */
const quiet: Script = async (session) => {
  await session.next(() => false, Number.POSITIVE_INFINITY);
};

const refusing = (entrance: Entrance): Script =>
  Object.assign(async () => undefined, { admit: () => entrance });

async function tcpServer(onSocket: (socket: TcpSocket) => void): Promise<{ port: number; server: Server }> {
  const server = createServer(onSocket);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { port: address.port, server };
}

describe('a dial', { concurrency: 6 }, () => {
  it('opens, sends its headers, and carries text and bytes both ways', () =>
    against(quiet, async (url, session) => {
      const dialled = dial(url, { headers: { 'Device-Id': '02:00:00:00:00:01' } });
      await until(() => dialled.opened === 1, 'open');
      assert.equal(session().headers['device-id'], '02:00:00:00:00:01');
      assert.equal(session().headers['sec-websocket-extensions'], undefined, 'no compression');
      dialled.socket.sendText('{"type":"listen","state":"stop"}');
      dialled.socket.sendBinary(Uint8Array.of(1, 2, 3));
      session().raw('端口正常');
      session().binary(Uint8Array.of(4, 5));
      await until(() => session().received.length === 2 && dialled.binaries.length === 1, 'both ways');
      assert.deepEqual(dialled.texts, ['端口正常']);
      assert.deepEqual([...(dialled.binaries[0] ?? [])], [4, 5]);
      dialled.socket.terminate();
    }));

  it('to a port where nobody listens is a quick transient failure', async () => {
    const { port, server } = await tcpServer(() => undefined);
    await new Promise((resolve) => server.close(resolve));
    const loss = await lossOf(dial(`ws://127.0.0.1:${port}/`));
    assert.equal(loss.class, 'transient');
    assert.equal(loss.quick, true);
    assert.match(loss.reason, /ECONNREFUSED/);
  });

  it('to a name that cannot be found says that it was the name', async () => {
    const loss = await lossOf(dial('ws://no-such-host.invalid/'));
    assert.ok(loss.class === 'network' || loss.class === 'transient', loss.class);
    assert.equal(loss.detectedBy, 'dns');
  });

  const BAD: readonly (readonly [string, string, Partial<DialRequest>?])[] = [
    ['an address that is none', 'http//x'],
    ['a scheme that is not WebSocket', 'ftp://127.0.0.1/'],
    ['a certificate file that is not there', 'wss://127.0.0.1:9/', { caFile: '/nonexistent/ca.pem' }],
  ];
  for (const [sentence, url, more] of BAD)
    it(`with ${sentence} is a matter of configuration, reported and not thrown`, async () => {
      const loss = await lossOf(dial(url, more));
      assert.equal(loss.class, 'configuration');
    });

  const STATUSES: readonly (readonly [number, Loss['class']])[] = [
    [401, 'auth'],
    [404, 'configuration'],
    [500, 'transient'],
    [302, 'portal'],
  ];
  for (const [status, name] of STATUSES)
    it(`answered with HTTP ${status} is of class ${name}`, () =>
      against(refusing({ refuse: status }), async (url) => {
        const dialled = dial(url);
        const loss = await lossOf(dialled);
        assert.equal(loss.class, name);
        assert.match(loss.reason, new RegExp(String(status)));
        assert.equal(loss.detectedBy, 'http');
        assert.equal(dialled.opened, 0);
      }));

  it('answered with 503 and Retry-After remembers for how long', () =>
    against(refusing({ refuse: 503, headers: { 'Retry-After': '7' } }), async (url) => {
      const loss = await lossOf(dial(url));
      assert.equal(loss.class, 'restarting');
      assert.equal(loss.retryAfterMs, 7_000);
    }));

  it('answered with Retry-After as a date remembers for how long', () => {
    const date = new Date(clock.wallMs() + 60_000).toUTCString();
    return against(refusing({ refuse: 503, headers: { 'Retry-After': date } }), async (url) => {
      const { retryAfterMs = 0 } = await lossOf(dial(url));
      assert.ok(retryAfterMs > 50_000 && retryAfterMs <= 60_000, `${retryAfterMs}`);
    });
  });

  it('that is never answered ends at its deadline', () =>
    against(refusing('hang'), async (url) => {
      const loss = await lossOf(dial(url, { deadlineMs: 300 }));
      assert.equal(loss.detectedBy, 'deadline');
      assert.equal(loss.class, 'transient');
    }));

  it('that is answered a byte at a time ends at its deadline all the same', () =>
    against(refusing({ dribbleEveryMs: 50 }), async (url) => {
      const loss = await lossOf(dial(url, { deadlineMs: 500 }));
      assert.equal(loss.detectedBy, 'deadline');
    }));

  it('answered by something that is not HTTP is a matter of protocol', async () => {
    const { port, server } = await tcpServer((socket) => socket.end('220 mail.example ESMTP\r\n'));
    const loss = await lossOf(dial(`ws://127.0.0.1:${port}/`));
    assert.equal(loss.class, 'protocol');
    server.close();
  });

  it('reports one close and the code of the server', () =>
    against(
      async (session) => session.close(1001, 'restart'),
      async (url) => {
        const dialled = dial(url);
        const loss = await lossOf(dialled);
        assert.equal(loss.class, 'restarting');
        assert.match(loss.reason, /1001 \(restart\)/);
        assert.equal(dialled.closed.length, 1);
      },
    ));

  it('that breaks off without a close frame is transient', () =>
    against(
      async (session) => session.terminate(),
      async (url) => {
        const loss = await lossOf(dial(url));
        assert.equal(loss.class, 'transient');
        assert.match(loss.reason, /1006/);
      },
    ));

  it('given more than 1 MiB in one message closes as a matter of protocol', () =>
    against(
      async (session) => {
        session.raw('x'.repeat(1_100_000));
        await session.closed;
      },
      async (url) => {
        const dialled = dial(url);
        const loss = await lossOf(dialled);
        assert.equal(loss.class, 'protocol');
        assert.deepEqual(dialled.texts, []);
      },
    ));

  it('closed by us is polite', () =>
    against(quiet, async (url, session) => {
      const dialled = dial(url);
      await until(() => dialled.opened === 1, 'open');
      dialled.socket.close();
      assert.equal((await session().closed).code, 1000);
      assert.equal((await lossOf(dialled)).class, 'normal');
    }));

  it('closed by us is over soon even if the server no longer reacts', () =>
    against(
      async (session) => {
        session.blackHole();
        await session.next(() => false, Number.POSITIVE_INFINITY);
      },
      async (url) => {
        const dialled = dial(url);
        await until(() => dialled.opened === 1, 'open');
        dialled.socket.close();
        await lossOf(dialled);
      },
    ));

  it('terminated reports nothing any more, open or not', () =>
    against(quiet, async (url) => {
      const open = dial(url);
      await until(() => open.opened === 1, 'open');
      open.socket.terminate();
      const pending = dial(url);
      pending.socket.terminate();
      const wrong = dial('nonsense');
      wrong.socket.terminate();
      // Whatever was going to be reported would come before this.
      const next = dial(url);
      await until(() => next.opened === 1, 'open');
      assert.deepEqual([open.closed, pending.closed, wrong.closed], [[], [], []]);
      next.socket.terminate();
    }));
});

describe('a dial over TLS', () => {
  it('is refused without the authority that signed, and opens with it', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'xz-tls-'));
    const [key, certificate] = [join(directory, 'key.pem'), join(directory, 'ca.pem')];
    const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const files = ['-keyout', key, '-out', certificate];
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
        ...names,
        ...files,
      ],
      { stdio: 'ignore' },
    );
    const web = createTlsServer({ key: readFileSync(key), cert: readFileSync(certificate) });
    const sockets = new WebSocketServer({ server: web });
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    const address = web.address();
    const url = `wss://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}/`;
    try {
      const loss = await lossOf(dial(url));
      assert.equal(loss.class, 'configuration');
      assert.match(loss.reason, /self.signed/);
      const trusted = dial(url, { caFile: certificate });
      await until(() => trusted.opened === 1 || trusted.closed.length > 0, 'open');
      assert.deepEqual(trusted.closed, []);
      trusted.socket.terminate();
    } finally {
      for (const client of sockets.clients) client.terminate();
      sockets.close();
      web.close();
      rmSync(directory, { recursive: true });
    }
  });
});

describe('the failure tables', () => {
  it('know every status and close code, and take the unknown for transient', () => {
    assert.equal(meaningOfError('ESOMETHINGNEW').class, 'transient');
    assert.equal(meaningOfError(undefined).class, 'transient');
    assert.equal(meaningOfError('CERT_NOT_YET_VALID').class, 'clock');
    for (const status of [200, 204, 301, 302, 307, 511])
      assert.equal(meaningOfStatus(status).class, 'portal', `${status}`);
    for (const status of [401, 403]) assert.equal(meaningOfStatus(status).class, 'auth');
    for (const status of [408, 425, 429, 503]) assert.equal(meaningOfStatus(status).class, 'restarting');
    for (const status of [500, 502, 504, 599]) assert.equal(meaningOfStatus(status).class, 'transient');
    for (const status of [400, 404, 405, 410, 426])
      assert.equal(meaningOfStatus(status).class, 'configuration');
    const codes: Readonly<Record<number, string>> = {
      1000: 'normal',
      1001: 'restarting',
      1002: 'protocol',
      1003: 'protocol',
      1005: 'normal',
      1006: 'transient',
      1007: 'protocol',
      1008: 'auth',
      1009: 'protocol',
      1010: 'configuration',
      1011: 'transient',
      1012: 'restarting',
      1013: 'restarting',
      1014: 'transient',
      3000: 'transient',
      4999: 'transient',
    };
    for (const [code, name] of Object.entries(codes))
      assert.equal(meaningOfClose(Number(code)).class, name, code);
  });
});
