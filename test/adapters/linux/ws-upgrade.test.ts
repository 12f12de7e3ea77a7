// The real dialler on connections that never open: each way of failing becomes one `closed` with its class and words.
import assert from 'node:assert/strict';
import type { Socket as TcpSocket } from 'node:net';
import { describe, it } from 'node:test';
import { clock } from '../../../src/adapters/linux/clock.ts';
import { wsDialer } from '../../../src/adapters/linux/ws-socket.ts';
import type { DialRequest, Loss } from '../../../src/ports.ts';
import { until } from '../../helpers/card.ts';
import { handClock } from '../../helpers/hand-clock.ts';
import type { Entrance, Script } from '../../helpers/scripted-server.ts';
import { against, againstTcp, dial, lossOf, onUpgradeRequest, unusedPort } from './dialling.ts';

const refusing = (entrance: Entrance): Script =>
  Object.assign(async () => undefined, { admit: () => entrance });

describe('a dial that cannot begin', () => {
  const BAD: readonly (readonly [string, string, RegExp, Partial<DialRequest>?])[] = [
    ['an address that is none', 'http//x', /must look like wss:/],
    ['a scheme that is not WebSocket', 'ftp://127.0.0.1/', /must look like wss:/],
    ['a fragment in its address', 'ws://127.0.0.1/#x', /must look like wss:/],
    [
      'a certificate file that is not there',
      'wss://127.0.0.1:9/',
      /ca_file.*ENOENT/,
      { caFile: '/none/ca.pem' },
    ],
    [
      'a certificate file that holds none',
      'wss://127.0.0.1:9/',
      /ca_file.*no cert/,
      { caFile: '/etc/passwd' },
    ],
    [
      'a header of two lines',
      'ws://127.0.0.1:9/',
      /header/,
      { headers: { Authorization: 'Bearer x\nsecret-y' } },
    ],
    [
      'a certificate file of a name that holds the token',
      'wss://127.0.0.1:9/',
      /ca_file.*\[redacted\]/,
      { caFile: '/none/secret-token', headers: { Authorization: 'Bearer secret-token' } },
    ],
  ];
  for (const [sentence, url, words, more] of BAD)
    it(`with ${sentence} is a matter of configuration, reported and not thrown`, async () => {
      const dialled = dial(url, more);
      assert.deepEqual(dialled.closed, [], 'never before dial has returned');
      assert.equal(dialled.socket.isOpen || dialled.socket.sendText('x') || dialled.socket.ping(1), false);
      dialled.socket.close();
      const loss = await lossOf(dialled);
      assert.deepEqual([loss.class, loss.quick], ['configuration', false]);
      assert.match(loss.reason, words);
      assert.ok(!loss.reason.includes('secret'));
    });
});

describe('a dial', { concurrency: 6 }, () => {
  it('to a port where nobody listens is a quick transient failure that names the address', async () => {
    const port = await unusedPort();
    const dialled = dial(`ws://127.0.0.1:${port}/`);
    const loss = await lossOf(dialled);
    assert.deepEqual([loss.class, loss.kind, loss.quick], ['transient', 'network error', true]);
    assert.equal(loss.reason, `127.0.0.1:${port} refuses the connection (ECONNREFUSED)`);
    assert.deepEqual(dialled.events, ['closed']);
  });

  it('that all addresses refuse is the same and names them', async () => {
    const port = await unusedPort();
    const addresses = [
      { address: '127.0.0.2', family: 4 },
      { address: '::1', family: 6 },
      { address: '127.0.0.1', family: 4 },
    ];
    const dialer = wsDialer({ clock, lookup: (_name, answer) => answer(null, addresses) });
    const loss = await lossOf(dial(`ws://box.test:${port}/`, {}, dialer));
    assert.deepEqual([loss.class, loss.kind, loss.quick], ['transient', 'network error', true]);
    assert.match(loss.reason, new RegExp(`127\\.0\\.0\\.2:${port}.* and 127\\.0\\.0\\.1:${port} refuses`));
  });

  it('goes on to the next address when the first refuses', () =>
    againstTcp(
      () => {},
      async (port) => {
        const addresses = ['127.0.0.3', '127.0.0.1'].map((address) => ({ address, family: 4 }));
        const dialer = wsDialer({ clock, lookup: (_name, answer) => answer(null, addresses) });
        const dialled = dial(`ws://box.test:${port}/`, {}, dialer);
        await until(() => dialled.events.length > 0, 'reached');
        assert.deepEqual(dialled.events, ['reached']);
        dialled.socket.terminate();
      },
    ));

  it('to a name that cannot be found says that it was the name', async () => {
    const loss = await lossOf(dial('ws://no-such-host.invalid/'));
    assert.ok(loss.class === 'network' || loss.class === 'transient', loss.class);
    assert.equal(loss.kind, 'network error');
    assert.equal(loss.detectedBy, 'dns');
    assert.match(loss.reason, /(the name|name service for) no-such-host\.invalid/);
  });

  it('that fails for a reason no table knows is transient and keeps the stack', async () => {
    const strange = Object.assign(new Error('the moon is full'), { code: 'EMOON' });
    const dialer = wsDialer({ clock, lookup: (_name, answer) => answer(strange, []) });
    const loss = await lossOf(dial('ws://box.test/', {}, dialer));
    assert.deepEqual([loss.class, loss.kind, loss.quick], ['transient', 'other', false]);
    assert.match(loss.reason, /the moon is full \(EMOON\)/);
    assert.match(loss.stack ?? '', /ws-upgrade\.test/);
  });

  const STATUSES: readonly (readonly [number, Loss['class'], RegExp])[] = [
    [200, 'portal', /HTTP 200 OK instead of an upgrade: a sign-in page answers for 127\.0\.0\.1/],
    [302, 'portal', /sign-in page/],
    [511, 'portal', /HTTP 511 Network Authentication Required/],
    [400, 'configuration', /HTTP 400/],
    [401, 'auth', /HTTP 401/],
    [404, 'configuration', /is the path \/xiaozhi\/v1\/ right\?/],
    [429, 'restarting', /HTTP 429/],
    [500, 'transient', /HTTP 500/],
  ];
  for (const [status, name, words] of STATUSES)
    it(`answered with HTTP ${status} is of class ${name}, and no redirect is followed`, () =>
      against(refusing({ refuse: status, headers: { Location: 'http://127.0.0.1:1/' } }), async (url) => {
        const dialled = dial(`${url}?token=s3cr3t`);
        const loss = await lossOf(dialled);
        assert.deepEqual([loss.class, loss.kind, loss.detectedBy], [name, 'abnormal close', 'http']);
        assert.match(loss.reason, words);
        assert.ok(!loss.reason.includes('s3cr3t'));
        assert.deepEqual(dialled.events, ['reached', 'closed']);
      }));

  const DATE = 'Sun, 22 Nov 2026 20:00:00 GMT';
  const WAITS: readonly (readonly [string, Readonly<Record<string, string>>, number | undefined])[] = [
    ['seconds', { 'Retry-After': '7' }, 7_000],
    ['a date by the server’s clock', { Date: DATE, 'Retry-After': 'Sun, 22 Nov 2026 20:01:00 GMT' }, 60_000],
    ['a date in the past', { Date: DATE, 'Retry-After': 'Sun, 22 Nov 2026 19:00:00 GMT' }, undefined],
    ['a negative number', { 'Retry-After': '-5' }, undefined],
    ['garbage', { 'Retry-After': 'soon' }, undefined],
    ['nothing', { 'Retry-After': '' }, undefined],
    ['thirty years', { 'Retry-After': '999999999' }, 999_999_999_000],
    ['a number without end', { 'Retry-After': '9'.repeat(400) }, undefined],
  ];
  for (const [sentence, headers, expected] of WAITS)
    it(`answered with 503 and a Retry-After of ${sentence} remembers ${expected ?? 'no'} ms`, () =>
      against(refusing({ refuse: 503, headers }), async (url) => {
        const loss = await lossOf(dial(url));
        assert.equal(loss.class, 'restarting');
        assert.equal(loss.retryAfterMs, expected);
      }));

  it('answered with a Retry-After date and no date of the server goes by its own clock', () => {
    const date = new Date(clock.wallMs() + 60_000).toUTCString();
    return against(refusing({ refuse: 503, headers: { 'Retry-After': date } }), async (url) => {
      const { retryAfterMs = 0 } = await lossOf(dial(url));
      assert.ok(retryAfterMs > 30_000 && retryAfterMs <= 60_000, `${retryAfterMs}`);
    });
  });

  const NOT_HTTP: readonly (readonly [string, string | Uint8Array])[] = [
    ['an SSH banner', 'SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n'],
    ['a mail server', '220 mail.example ESMTP\r\n'],
    ['HTTP/2 settings', Uint8Array.of(0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100)],
    ['an HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a TLS alert', Uint8Array.of(0x15, 3, 1, 0, 2, 2, 0x46)],
  ];
  for (const [sentence, bytes] of NOT_HTTP)
    it(`answered by ${sentence} is a matter of protocol`, () =>
      againstTcp(
        (socket) => socket.end(bytes),
        async (port) => {
          const loss = await lossOf(dial(`ws://127.0.0.1:${port}/`));
          assert.deepEqual([loss.class, loss.kind], ['protocol', 'abnormal close'], loss.reason);
          assert.match(loss.reason, /does not speak HTTP: .*\(HPE_/);
        },
      ));

  const BAD_UPGRADES: readonly (readonly [string, (good: string) => string])[] = [
    ['a wrong accept key', (good) => good.replace(/Accept: .*/, 'Accept: bm8=')],
    [
      'a subprotocol nobody asked for',
      (good) => good.replace('\r\n\r\n', '\r\nSec-WebSocket-Protocol: x\r\n\r\n'),
    ],
    ['an upgrade to something else', (good) => good.replace('Upgrade: websocket', 'Upgrade: h2c')],
    [
      'compression nobody asked for',
      (good) => good.replace('\r\n\r\n', '\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n'),
    ],
  ];
  for (const [sentence, spoil] of BAD_UPGRADES)
    it(`answered with ${sentence} is a matter of protocol`, () =>
      againstTcp(
        (socket) => onUpgradeRequest(socket, (good) => socket.write(spoil(good))),
        async (port) => {
          const dialled = dial(`ws://127.0.0.1:${port}/`);
          const loss = await lossOf(dialled);
          assert.deepEqual([loss.class, loss.kind], ['protocol', 'abnormal close'], loss.reason);
          assert.match(loss.reason, /answered the upgrade wrongly/);
          assert.equal(loss.stack, undefined);
          assert.deepEqual(dialled.events, ['reached', 'closed']);
        },
      ));

  const CUTS: readonly (readonly [string, (socket: TcpSocket) => void])[] = [
    ['a FIN', (socket) => socket.end()],
    ['a reset', (socket) => socket.resetAndDestroy()],
  ];
  for (const [sentence, cut] of CUTS)
    it(`answered with ${sentence} is a connection reset`, () =>
      againstTcp(
        (socket) => onUpgradeRequest(socket, () => cut(socket)),
        async (port) => {
          const loss = await lossOf(dial(`ws://127.0.0.1:${port}/`));
          assert.deepEqual([loss.class, loss.kind, loss.quick], ['transient', 'connection reset', true]);
          assert.match(loss.reason, /broke off before it had answered \(ECONNRESET\)/);
        },
      ));
});

describe('the deadline of a dial (S16)', { concurrency: 6 }, () => {
  it('ends one that is never answered, and not a moment before', () =>
    against(refusing('hang'), async (url) => {
      const time = handClock();
      const dialled = dial(url, {}, wsDialer({ clock: time }));
      await until(() => dialled.events.includes('reached'), 'reached');
      time.advance(9_999);
      assert.deepEqual(dialled.closed, []);
      time.advance(1);
      assert.equal(dialled.events.at(-1), 'closed', 'from inside the timer');
      const loss = await lossOf(dialled);
      assert.deepEqual([loss.class, loss.kind, loss.detectedBy], ['transient', 'network error', 'deadline']);
      assert.match(loss.reason, /took the connection but did not answer the upgrade within 10 s/);
      assert.equal(time.pending(), 0);
    }));

  it('ends one that is answered a byte at a time all the same', () =>
    against(refusing({ dribbleEveryMs: 20 }), async (url) => {
      const loss = await lossOf(dial(url, { deadlineMs: 500 }));
      assert.equal(loss.detectedBy, 'deadline');
    }));

  it('ends one whose name is never looked up, and says that it was the name', async () => {
    const time = handClock();
    const asked: string[] = [];
    const dialer = wsDialer({ clock: time, lookup: (name) => asked.push(name) });
    const dialled = dial('ws://box.test/', { deadlineMs: 3_000 }, dialer);
    await until(() => asked.length === 1, 'asked');
    time.advance(3_000);
    const [loss] = dialled.closed;
    assert.deepEqual([loss?.class, loss?.kind, loss?.detectedBy], ['network', 'network error', 'deadline']);
    assert.equal(loss?.reason, 'no answer from the name service for box.test within 3 s');
    assert.deepEqual([dialled.events, time.pending()], [['closed'], 0]);
  });

  it('is off once it has opened', () =>
    against(
      async (session) => {
        await session.closed;
      },
      async (url) => {
        const time = handClock();
        const dialled = dial(url, {}, wsDialer({ clock: time }));
        await until(() => dialled.events.includes('opened'), 'open');
        time.advance(60_000);
        assert.equal(dialled.socket.isOpen, true);
        dialled.socket.terminate();
      },
    ));
});
