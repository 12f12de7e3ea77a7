// The real dialler over TLS, against real servers with certificates of every kind: who is believed, what is said of the
// others, and what is kept for the next dial.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps, type Server } from 'node:https';
import { type AddressInfo, connect, type Socket as TcpSocket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { SecureVersion, TLSSocket } from 'node:tls';
import { WebSocketServer } from 'ws';
import { clock } from '../../../src/adapters/linux/clock.ts';
import { wsDialer } from '../../../src/adapters/linux/ws-socket.ts';
import type { Dialer } from '../../../src/ports.ts';
import { until } from '../../helpers/card.ts';
import { handClock } from '../../helpers/hand-clock.ts';
import { type Authority, authority, type Certificate } from './certificates.ts';
import { againstTcp, dial, lossOf, opened } from './dialling.ts';

type TlsServer = {
  readonly port: number;
  readonly url: string;
  /** Whether each handshake that was finished resumed an earlier one. */
  readonly resumed: boolean[];
  /** From the next handshake on. */
  shows(certificate: Certificate): void;
};

type Options = { minVersion?: SecureVersion; maxVersion?: SecureVersion; ciphers?: string };

async function againstTls(
  certificate: Certificate,
  play: (server: TlsServer) => Promise<void>,
  options: Options = {},
): Promise<void> {
  const web: Server = createHttps({ ...certificate, ...options });
  const sockets = new WebSocketServer({ server: web });
  const resumed: boolean[] = [];
  web.on('secureConnection', (socket: TLSSocket) => resumed.push(socket.isSessionReused()));
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  const { port } = web.address() as AddressInfo;
  const shows = (next: Certificate) => web.setSecureContext({ ...next, ...options });
  try {
    await play({ port, url: `wss://127.0.0.1:${port}/`, resumed, shows });
  } finally {
    for (const client of sockets.clients) client.terminate();
    sockets.close();
    web.closeAllConnections();
    await new Promise((resolve) => web.close(resolve));
  }
}

async function openAndLeave(url: string, caFile: string, dialer: Dialer): Promise<void> {
  const dialled = await opened(dial(url, { caFile }, dialer));
  assert.deepEqual(dialled.events, ['reached', 'opened']);
  dialled.socket.terminate();
}

describe('a dial over TLS', () => {
  let ours: Authority;
  let theirs: Authority;
  let good: Certificate;
  before(() => {
    ours = authority('Kitchen');
    theirs = authority('Somebody');
    good = ours.sign('IP:127.0.0.1');
  });
  after(() => {
    ours.remove();
    theirs.remove();
  });

  it('is refused without the authority that signed, hints at the key, and opens with it (S17, D13)', () =>
    againstTls(good, async ({ url }) => {
      const dialled = dial(url);
      const loss = await lossOf(dialled);
      assert.deepEqual([loss.class, loss.kind], ['configuration', 'network error']);
      assert.match(loss.reason, /name its authority in server\.ca_file/);
      assert.deepEqual(dialled.events, ['reached', 'closed']);
      const other = await lossOf(dial(url, { caFile: theirs.caFile }));
      assert.equal(other.class, 'configuration');
      assert.match(other.reason, new RegExp(`not vouched for by server\\.ca_file ${theirs.caFile}`));
      await openAndLeave(url, ours.caFile, wsDialer({ clock }));
    }));

  it('is refused all the same when the environment says that nothing is to be verified', async () => {
    const { NODE_TLS_REJECT_UNAUTHORIZED: before } = process.env;
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    try {
      await againstTls(good, async ({ url }) => {
        assert.equal((await lossOf(dial(url))).class, 'configuration');
      });
    } finally {
      if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
    }
  });

  it('reads the authorities at each dial', () =>
    againstTls(good, async ({ url }) => {
      const caFile = join(ours.directory, 'changing.pem');
      const dialer = wsDialer({ clock });
      writeFileSync(caFile, 'not yet\n');
      assert.match((await lossOf(dial(url, { caFile }, dialer))).reason, /holds no certificate/);
      writeFileSync(caFile, ours.ca());
      await openAndLeave(url, caFile, dialer);
      writeFileSync(caFile, theirs.ca());
      // No session may get it past the authority that is trusted no more.
      assert.equal((await lossOf(dial(url, { caFile }, dialer))).class, 'configuration');
    }));

  it('to a host that was verified before and now shows a stranger’s certificate is a portal', () =>
    againstTls(good, async ({ url, shows }) => {
      const dialer = wsDialer({ clock });
      await openAndLeave(url, ours.caFile, dialer);
      shows(theirs.sign('IP:127.0.0.1'));
      const loss = await lossOf(dial(url, { caFile: ours.caFile }, dialer));
      assert.equal(loss.class, 'portal');
      assert.match(loss.reason, /somebody else answers for 127\.0\.0\.1/);
      assert.equal((await lossOf(dial(url, { caFile: ours.caFile }))).class, 'configuration', 'new process');
    }));

  it('to a server of another name is a portal', () =>
    againstTls(ours.sign('DNS:elsewhere.test'), async ({ url }) => {
      const loss = await lossOf(dial(url, { caFile: ours.caFile }));
      assert.equal(loss.class, 'portal');
      assert.match(loss.reason, /ERR_TLS_CERT_ALTNAME_INVALID/);
    }));

  const DATES: readonly (readonly [string, string, string, RegExp])[] = [
    ['not valid yet', '20480101000000Z', '20491231000000Z', /is not valid yet/],
    ['expired', '20000101000000Z', '20010101000000Z', /has expired/],
  ];
  for (const [sentence, from, to, words] of DATES)
    it(`shown a certificate that is ${sentence} blames the clock only while that is not set`, () =>
      againstTls(ours.sign('IP:127.0.0.1', from, to), async ({ url }) => {
        const set = { class: 'configuration', words: /today is \d{4}-\d\d-\d\d/ };
        const unset = {
          class: 'clock',
          words: /by this machine's clock \(\d{4}-\d\d-\d\d\), which is not set/,
        };
        for (const [isSet, expected] of [
          [true, set],
          [false, unset],
        ] as const) {
          const dialer = wsDialer({ clock, clockIsSet: () => isSet });
          const loss = await lossOf(dial(url, { caFile: ours.caFile }, dialer));
          assert.equal(loss.class, expected.class);
          assert.match(loss.reason, words);
          assert.match(loss.reason, expected.words);
        }
      }));

  it('to a port that does not speak it asks whether it is ws:// or wss://', async () => {
    const web = createHttp((_request, response) => response.end());
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    const { port } = web.address() as AddressInfo;
    const loss = await lossOf(dial(`wss://127.0.0.1:${port}/`));
    await new Promise((resolve) => web.close(resolve));
    assert.deepEqual([loss.class, loss.kind], ['configuration', 'network error']);
    assert.match(
      loss.reason,
      /^no TLS with 127\.0\.0\.1:\d+: wrong version number \(.*\); ws:\/\/ or wss:\/\/\?$/,
    );
  });

  it('to a server that knows only what was broken long ago is refused', () =>
    againstTls(
      good,
      async ({ url }) => {
        const loss = await lossOf(dial(url, { caFile: ours.caFile }));
        assert.equal(loss.class, 'configuration', loss.reason);
        assert.match(loss.reason, /no TLS with/);
      },
      { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
    ));

  it('cut off in the handshake is a connection reset', () =>
    againstTcp(
      (socket) => socket.once('data', () => socket.end()),
      async (port) => {
        const loss = await lossOf(dial(`wss://127.0.0.1:${port}/`));
        assert.deepEqual([loss.class, loss.kind, loss.quick], ['transient', 'connection reset', true]);
      },
    ));

  const STALLS = [
    ['is silent', 0],
    ['sends its part a byte at a time', 2],
  ] as const;
  for (const [sentence, everyMs] of STALLS)
    it(`to a server that ${sentence} is reached at the TCP connection and ends at its deadline`, async () => {
      const time = handClock();
      let dripped = 0;
      const drips: NodeJS.Timeout[] = [];
      await againstTcp(
        (socket) => {
          if (everyMs === 0) return;
          // The head of a handshake record of 4 KiB, and then as if it was coming.
          socket.write(Uint8Array.of(0x16, 3, 3, 0x10, 0, 2, 0, 0x0f, 0xfc));
          drips.push(
            setInterval(
              () =>
                socket.write(Uint8Array.of(3), () => {
                  dripped += 1;
                }),
              everyMs,
            ),
          );
        },
        async (port) => {
          const dialled = dial(`wss://127.0.0.1:${port}/`, {}, wsDialer({ clock: time }));
          await until(() => dialled.events.includes('reached'), 'reached');
          if (everyMs > 0) await until(() => dripped > 5, 'drops');
          time.advance(10_000);
          for (const drip of drips) clearInterval(drip);
          assert.deepEqual(dialled.events, ['reached', 'closed']);
          assert.match(dialled.closed[0]?.reason ?? '', /^TLS with .* was not done within 10 s$/);
        },
      );
    });

  it('that has opened tells a polite end from a reset like one without TLS', () =>
    againstTls(good, async ({ port: behind }) => {
      const through: TcpSocket[] = [];
      const relay = (socket: TcpSocket) => {
        through.push(socket);
        const onward = connect(behind, '127.0.0.1');
        onward.on('error', () => {});
        socket.on('close', () => onward.destroy());
        socket.pipe(onward).pipe(socket);
      };
      await againstTcp(relay, async (port) => {
        const url = `wss://127.0.0.1:${port}/`;
        const polite = await opened(dial(url, { caFile: ours.caFile }));
        polite.socket.close();
        assert.equal((await lossOf(polite)).reason, 'closed with 1000');
        const reset = await opened(dial(url, { caFile: ours.caFile }));
        through[1]?.resetAndDestroy();
        const loss = await lossOf(reset);
        assert.deepEqual([loss.kind, loss.quick], ['connection reset', true], loss.reason);
      });
    }));
});

describe('a TLS session', () => {
  let ours: Authority;
  let good: Certificate;
  before(() => {
    ours = authority('Kitchen');
    good = ours.sign('IP:127.0.0.1,DNS:box.test');
  });
  after(() => ours.remove());

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
    it(`of ${version} is used at the next dial to the same server, and never to get past a wrong name`, () =>
      againstTls(
        good,
        async ({ url, port, resumed, shows }) => {
          const lookup = (
            _name: string,
            answer: (e: null, a: { address: string; family: number }[]) => void,
          ) => answer(null, [{ address: '127.0.0.1', family: 4 }]);
          const dialer = wsDialer({ clock, lookup });
          await openAndLeave(url, ours.caFile, dialer);
          await openAndLeave(url, ours.caFile, dialer);
          assert.deepEqual(resumed, [false, true]);
          await openAndLeave(`wss://box.test:${port}/`, ours.caFile, dialer);
          assert.deepEqual(resumed, [false, true, false], 'a session is of one name only');
          const wrong = await lossOf(dial(`wss://other.test:${port}/`, { caFile: ours.caFile }, dialer));
          assert.equal(wrong.class, 'portal');
          shows(ours.sign('DNS:elsewhere.test'));
          const changed = await lossOf(dial(url, { caFile: ours.caFile }, dialer));
          assert.equal(
            changed.class,
            'portal',
            'a session was on offer and the certificate is looked at all the same',
          );
        },
        { minVersion: version, maxVersion: version },
      ));

  it('is dropped when the handshake with it fails', () =>
    againstTls(good, async ({ url, resumed, shows }) => {
      const dialer = wsDialer({ clock });
      await openAndLeave(url, ours.caFile, dialer);
      await openAndLeave(url, ours.caFile, dialer);
      shows(ours.sign('DNS:elsewhere.test'));
      await lossOf(dial(url, { caFile: ours.caFile }, dialer));
      shows(good);
      await openAndLeave(url, ours.caFile, dialer);
      // One handshake failed; the server may or may not have counted it as finished.
      assert.deepEqual([resumed[0], resumed[1], resumed.at(-1)], [false, true, false]);
    }));

  it('of a certificate that was refused is not kept', () =>
    againstTls(ours.sign('DNS:elsewhere.test'), async ({ url, resumed }) => {
      const dialer = wsDialer({ clock });
      for (let round = 0; round < 3; round += 1)
        assert.equal((await lossOf(dial(url, { caFile: ours.caFile }, dialer))).class, 'portal');
      assert.ok(!resumed.includes(true));
    }));
});
