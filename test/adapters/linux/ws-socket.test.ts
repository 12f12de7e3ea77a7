// The real dialler on connections that open: what they carry, and how each way of ending becomes exactly one `closed`.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Socket as TcpSocket } from 'node:net';
import { describe, it } from 'node:test';
import { clock } from '../../../src/adapters/linux/clock.ts';
import { wsDialer } from '../../../src/adapters/linux/ws-socket.ts';
import { until } from '../../helpers/card.ts';
import { handClock } from '../../helpers/hand-clock.ts';
import type { Script } from '../../helpers/scripted-server.ts';
import {
  against,
  againstTcp,
  dial,
  lossOf,
  onUpgradeRequest,
  opened,
  quiet,
  unusedPort,
} from './dialling.ts';

/** RFC 6455 §5.2: FIN and opcode, then length; servers do not mask. */
const frameOf = (opcode: number, payload: Uint8Array) =>
  Buffer.concat([Uint8Array.of(0x80 | opcode, payload.length), payload]);
const CLOSE_1001 = frameOf(0x8, Uint8Array.of(0x03, 0xe9));
const CLOSE_WITHOUT_CODE = frameOf(0x8, new Uint8Array());
const PING = frameOf(0x9, Buffer.from('there?'));
const BYTES = frameOf(0x2, Uint8Array.of(4, 5));
const pongOf = (text: string) => frameOf(0xa, Buffer.from(text));

/** Upgrades well and hands over the bare TCP connection. */
const upgrading = (then: (socket: TcpSocket) => void) => (socket: TcpSocket) =>
  onUpgradeRequest(socket, (good) => {
    socket.write(good);
    then(socket);
  });

describe('an open connection', { concurrency: 6 }, () => {
  it('is reached once, then opened, sends its headers, and carries text and bytes both ways', () =>
    against(quiet, async (url, session) => {
      const dialled = await opened(dial(url, { headers: { 'Device-Id': '02:00:00:00:00:01' } }));
      assert.deepEqual(dialled.events, ['reached', 'opened']);
      assert.equal(dialled.socket.isOpen, true);
      assert.equal(session().headers['device-id'], '02:00:00:00:00:01');
      assert.equal(session().headers['sec-websocket-extensions'], undefined, 'no compression');
      assert.equal(dialled.socket.sendText('{"type":"listen","state":"stop"}'), true);
      assert.equal(dialled.socket.sendBinary(Uint8Array.of(1, 2, 3)), true);
      session().raw('端口正常');
      session().binary(Uint8Array.of(4, 5));
      await until(() => session().received.length === 2 && dialled.binaries.length === 1, 'both ways');
      assert.deepEqual(dialled.texts, ['端口正常']);
      assert.deepEqual([...(dialled.binaries[0] ?? [])], [4, 5]);
      dialled.socket.terminate();
    }));

  it('answers each ping with its mark, once', () =>
    against(quiet, async (url) => {
      const dialled = await opened(dial(url));
      assert.equal(dialled.socket.ping(7), true);
      assert.equal(dialled.socket.ping(8.25), true);
      await until(() => dialled.marks.length === 2, 'both answers');
      assert.deepEqual(dialled.marks, [7, 8.25]);
      assert.ok(!dialled.events.includes('pinged'));
      dialled.socket.terminate();
    }));

  it('takes a pong that answers nothing, and a ping, for life and for no more', async () => {
    const strangers = ['', '7', 'keep-alive', '8', '6'];
    const answers = upgrading((socket) =>
      socket.on('data', () => {
        // The ping of mark 8 has come: it is answered in the middle, the one before it and itself again never are.
        for (const text of strangers) socket.write(pongOf(text));
        socket.write(PING);
      }),
    );
    await againstTcp(answers, async (port) => {
      const dialled = await opened(dial(`ws://127.0.0.1:${port}/`));
      dialled.socket.ping(6);
      dialled.socket.ping(8);
      await until(() => dialled.events.filter((one) => one === 'pinged').length >= 5, 'life');
      assert.deepEqual(dialled.marks, [8]);
      assert.equal(dialled.socket.isOpen, true);
      dialled.socket.terminate();
    });
  });

  it('waits for the answers of eight pings at the most', async () => {
    const answers = upgrading((socket) => {
      let heard = 0;
      socket.on('data', (chunk: Buffer) => {
        heard += chunk.length;
        // Each of them is 2 bytes, 4 of the mask and its mark.
        if (heard === 9 * 7) for (const mark of ['1', '2']) socket.write(pongOf(mark));
      });
    });
    await againstTcp(answers, async (port) => {
      const dialled = await opened(dial(`ws://127.0.0.1:${port}/`));
      for (let mark = 1; mark <= 9; mark += 1) dialled.socket.ping(mark);
      await until(() => dialled.marks.length > 0, 'an answer');
      assert.deepEqual([dialled.events.slice(2), dialled.marks], [['pinged'], [2]]);
      dialled.socket.terminate();
    });
  });

  it('knows what it has sent, and what of that has not arrived, in this process too', () =>
    againstTcp(
      upgrading((socket) => socket.pause()),
      async (port) => {
        const { socket } = await opened(dial(`ws://127.0.0.1:${port}/`));
        const before = socket.sentBytes;
        const message = new Uint8Array(1024 * 1024);
        const COUNT = 32;
        for (let count = 0; count < COUNT; count += 1) assert.equal(socket.sendBinary(message), true);
        assert.ok(socket.sentBytes - before > COUNT * message.length, `${socket.sentBytes} bytes`);
        // The two kernels hold a few megabytes of it (tcp(7): 4 and 6 at the most).
        assert.ok(socket.underWayBytes(0) > 16 * 1024 * 1024, `${socket.underWayBytes(0)} bytes`);
        socket.terminate();
      },
    ));

  it('is watched by the kernel as well, from a minute of silence on', () =>
    against(quiet, async (url, session) => {
      const dialled = await opened(dial(url));
      const port = Number(new URL(url).port).toString(16).toUpperCase().padStart(4, '0');
      // The fifth column is the timer and when it is due in hundredths of a second; 02 is keep-alive. While something
      // unacknowledged is on its way it is another, so it is waited for.
      const due = () =>
        readFileSync('/proc/net/tcp', 'utf8')
          .split('\n')
          .map((line) => line.trim().split(/\s+/))
          .filter(([, , remote, state]) => remote?.endsWith(`:${port}`) && state === '01')
          .map(([, , , , , timer = '']) => /^02:([0-9A-F]+)$/.exec(timer)?.[1] ?? '')
          .map((hex) => Number.parseInt(hex, 16));
      // Not sooner, for it would end what a cable that is out leaves alive; `until` may take 20 s of it.
      await until(() => due().some((ticks) => ticks > 4_000 && ticks <= 6_000), 'keep-alive timer');
      assert.equal(session().index, 0);
      dialled.socket.terminate();
    }));

  it('given more than 1 MiB in one message closes as a matter of protocol', () =>
    against(
      async (session) => {
        session.raw('x'.repeat(1_100_000));
        assert.equal((await session.closed).code, 1009, 'the server is told why');
      },
      async (url) => {
        const dialled = dial(url);
        const loss = await lossOf(dialled);
        assert.deepEqual([loss.class, loss.kind], ['protocol', 'abnormal close']);
        assert.deepEqual(dialled.texts, []);
      },
    ));

  const BROKEN: readonly (readonly [string, Uint8Array])[] = [
    ['text that is not UTF-8', frameOf(0x1, Uint8Array.of(0xff, 0xfe))],
    ['an opcode that does not exist', frameOf(0x3, new Uint8Array())],
    ['a reserved bit', Uint8Array.of(0xc1, 0)],
    ['a masked frame', Uint8Array.of(0x81, 0x80, 0, 0, 0, 0)],
    ['a close code that must not be sent', frameOf(0x8, Uint8Array.of(0x03, 0xee))],
  ];
  for (const [sentence, bytes] of BROKEN)
    it(`given ${sentence} closes as a matter of protocol`, () =>
      againstTcp(
        upgrading((socket) => socket.write(bytes)),
        async (port) => {
          const dialled = dial(`ws://127.0.0.1:${port}/`);
          const loss = await lossOf(dialled);
          assert.deepEqual([loss.class, loss.kind], ['protocol', 'abnormal close'], loss.reason);
          assert.match(loss.reason, /WS_ERR_/);
          assert.equal(loss.stack, undefined);
        },
      ));
});

describe('the end of a connection', { concurrency: 6 }, () => {
  it('is reported once, with the code and words of the server', () =>
    against(
      async (session) => session.close(1001, 'restart'),
      async (url) => {
        const dialled = dial(url);
        const loss = await lossOf(dialled);
        assert.deepEqual(
          [loss.class, loss.kind, loss.detectedBy],
          ['restarting', 'normal close', 'close frame'],
        );
        assert.match(loss.reason, /1001 \(restart\)/);
        assert.deepEqual(dialled.events, ['reached', 'opened', 'closed']);
      },
    ));

  const CLOSES: readonly (readonly [string, Uint8Array, string])[] = [
    ['a close frame', CLOSE_1001, 'closed with 1001'],
    ['a close frame without a code', CLOSE_WITHOUT_CODE, 'closed with 1005'],
  ];
  for (const [sentence, frame, reason] of CLOSES)
    it(`is noticed at ${sentence}, at once, though the server never ends the connection (D12)`, async () => {
      const order: string[] = [];
      let heard = 0;
      let cancel = () => {};
      const server = upgrading((socket) => {
        socket.on('data', (chunk: Buffer) => {
          heard += chunk.length;
        });
        // What ws itself would wait for is 2 s; to be told apart from that is all this timer is for.
        cancel = clock.after(1_500, () => order.push('three quarters of the patience of ws'));
        socket.write(frame);
      });
      await againstTcp(server, async (port) => {
        const dialled = dial(`ws://127.0.0.1:${port}/`);
        const loss = await lossOf(dialled);
        order.push('closed');
        cancel();
        assert.deepEqual(order, ['closed']);
        assert.equal(loss.reason, reason);
        assert.equal(loss.kind, 'normal close');
        // 2 bytes, 4 of the mask, and the code if there was one.
        await until(() => heard === frame.length + 4, 'our answer to the close frame');
      });
    });

  it('by a FIN without a close frame says so', () =>
    againstTcp(
      upgrading((socket) => socket.end()),
      async (port) => {
        const loss = await lossOf(dial(`ws://127.0.0.1:${port}/`));
        assert.deepEqual([loss.class, loss.kind, loss.quick], ['transient', 'abnormal close', false]);
        assert.match(loss.reason, /hung up without a close frame \(1006\)/);
      },
    ));

  it('by a reset is a connection reset (S10), and quick', () =>
    against(
      async (session) => {
        // A reset right behind other bytes looks like a FIN: libuv takes the hang-up for the end without reading on.
        await session.next(() => true);
        session.reset();
      },
      async (url) => {
        const dialled = await opened(dial(url));
        dialled.socket.sendText('now');
        const loss = await lossOf(dialled);
        assert.deepEqual([loss.class, loss.kind, loss.quick], ['transient', 'connection reset', true]);
        assert.match(loss.reason, /reset by 127\.0\.0\.1:\d+ \(ECONNRESET\)/);
        assert.deepEqual(dialled.events, ['reached', 'opened', 'closed']);
      },
    ));

  it('in the middle of sending is one close as well', () =>
    against(
      async (session) => {
        await session.next((heard) => heard.kind === 'binary');
        session.reset();
      },
      async (url) => {
        const dialled = await opened(dial(url));
        const packet = new Uint8Array(1_000);
        const pump = setInterval(() => dialled.socket.sendBinary(packet), 1);
        const loss = await lossOf(dialled);
        clearInterval(pump);
        assert.equal(loss.kind, 'connection reset', loss.reason);
        assert.equal(dialled.closed.length, 1);
        assert.deepEqual(
          [dialled.socket.isOpen, dialled.socket.sendText('x'), dialled.socket.sendBinary(packet)],
          [false, false, false],
        );
        assert.equal(dialled.socket.ping(1), false);
      },
    ));

  it('by us is polite, and reported once however often it is asked for', () =>
    against(quiet, async (url, session) => {
      const dialled = await opened(dial(url));
      dialled.socket.close();
      dialled.socket.close();
      assert.equal(dialled.socket.sendText('too late'), false);
      assert.equal((await session().closed).code, 1000);
      const loss = await lossOf(dialled);
      assert.deepEqual([loss.class, loss.kind], ['normal', 'normal close']);
      dialled.socket.close();
      assert.equal(dialled.closed.length, 1);
    }));

  it('by us is over soon, and still ordinary, if the server no longer reacts', () =>
    against(
      async (session) => {
        session.blackHole();
        await session.next(() => false, Number.POSITIVE_INFINITY);
      },
      async (url) => {
        const dialled = await opened(dial(url));
        const order: string[] = [];
        // What the port promises.
        const cancel = clock.after(2_000, () => order.push('2 s'));
        dialled.socket.close();
        const loss = await lossOf(dialled);
        cancel();
        assert.deepEqual(order, []);
        assert.deepEqual([loss.class, loss.reason], ['normal', 'closed by us']);
      },
    ));

  it('by us is still ordinary when the server answers it with a reset', () =>
    againstTcp(
      upgrading((socket) => socket.once('data', () => socket.resetAndDestroy())),
      async (port) => {
        const dialled = await opened(dial(`ws://127.0.0.1:${port}/`));
        dialled.socket.close();
        const loss = await lossOf(dialled);
        assert.deepEqual([loss.class, loss.reason], ['normal', 'closed by us']);
      },
    ));

  it('by us before it has opened is one ordinary close', () =>
    against(Object.assign(quiet.bind(undefined), { admit: () => 'hang' as const }), async (url) => {
      const atOnce = dial(url);
      atOnce.socket.close();
      const later = dial(url);
      await until(() => later.events.includes('reached'), 'reached');
      later.socket.close();
      assert.deepEqual(later.closed, [], 'not before close has returned');
      for (const dialled of [atOnce, later]) {
        assert.equal((await lossOf(dialled)).class, 'normal');
        assert.equal(dialled.closed.length, 1);
      }
    }));

  it('keeps the token out of the reason though the server repeats it', () =>
    against(
      async (session) => session.close(1008, 'bad token s3cr3t-t0k3n\u0007\n'),
      async (url) => {
        const headers = { authorization: 'Bearer s3cr3t-t0k3n' };
        const loss = await lossOf(dial(url, { headers }));
        assert.equal(loss.class, 'auth');
        assert.equal(loss.reason, 'closed with 1008 (bad token [redacted]  )');
      },
    ));
});

describe('where the server was last found', () => {
  it('is known of an address before anybody has answered', () => {
    const dialer = wsDialer({ clock: handClock() });
    assert.equal(dialer.serverAddress(), null);
    dial('ws://192.0.2.9:9/', {}, dialer).socket.terminate();
    assert.equal(dialer.serverAddress(), '192.0.2.9');
  });

  it('is known of a name once it was reached, and is where it is looked for when names fail', () =>
    against(quiet, async (url) => {
      let answers = true;
      const dialer = wsDialer({
        clock,
        lookup: (_name, answer) =>
          answers ? answer(null, [{ address: '127.0.0.1', family: 4 }]) : answer(new Error('EAI_AGAIN'), []),
      });
      const named = url.replace('127.0.0.1', 'box.test');
      const first = dial(named, {}, dialer);
      assert.equal(dialer.serverAddress(), null);
      (await opened(first)).socket.terminate();
      assert.equal(dialer.serverAddress(), '127.0.0.1');
      answers = false;
      (await opened(dial(named, {}, dialer))).socket.terminate();
    }));
});

describe('a terminated dial', () => {
  it('reports nothing any more, whatever it was doing, and may be terminated again', () =>
    against(quiet, async (url, session) => {
      const open = await opened(dial(url));
      session().raw('on its way');
      open.socket.terminate();
      const pending = dial(url);
      pending.socket.terminate();
      const reached = dial(url);
      await until(() => reached.events.length > 0, 'reached');
      reached.socket.terminate();
      const [eventsThen, wrong, refused] = [[...reached.events], dial('nonsense'), dial('ws://127.0.0.1:1/')];
      wrong.socket.terminate();
      refused.socket.terminate();
      const closing = await opened(dial(url));
      closing.socket.close();
      closing.socket.terminate();
      const over = await opened(dial(url));
      over.socket.close();
      await lossOf(over);
      for (const dialled of [open, pending, reached, wrong, refused, closing, over]) {
        dialled.socket.terminate();
        dialled.socket.close();
        assert.equal(dialled.socket.isOpen, false);
        assert.equal(dialled.socket.sendText('x') || dialled.socket.ping(1), false);
        assert.ok(dialled.socket.underWayBytes(0) >= 0);
      }
      // Whatever was going to be reported would come before this.
      const next = await opened(dial(url));
      next.socket.terminate();
      assert.deepEqual(reached.events, eventsThen);
      assert.deepEqual([open.texts, pending.events, wrong.events, refused.events], [[], [], [], []]);
      assert.deepEqual([open.closed, closing.closed, over.closed.length], [[], [], 1]);
    }));

  it('may be terminated from inside each of its own reports, whatever has come with it', () =>
    againstTcp(
      upgrading((socket) =>
        socket.write(Buffer.concat([frameOf(0x1, Buffer.from('hello')), PING, BYTES, PING])),
      ),
      async (port) => {
        const url = `ws://127.0.0.1:${port}/`;
        const steps = ['reached', 'opened', 'text', 'pinged', 'binary'] as const;
        for (const step of steps) {
          const seen: string[] = [];
          const at = (name: string) => {
            seen.push(name);
            if (name === step) socket.terminate();
          };
          const socket = wsDialer({ clock }).dial(
            { url, headers: {}, deadlineMs: 10_000 },
            {
              reached: () => at('reached'),
              opened: () => at('opened'),
              text: () => at('text'),
              binary: () => at('binary'),
              ponged: () => at('ponged'),
              pinged: () => at('pinged'),
              closed: () => at('closed'),
            },
          );
          await until(() => seen.includes(step), step);
          const next = await opened(dial(url));
          next.socket.terminate();
          assert.deepEqual(seen, steps.slice(0, steps.indexOf(step) + 1));
        }
      },
    ));

  it('leaves nothing behind, nor do those that end otherwise (S36)', async () => {
    const resetting: Script = async (session) => {
      await session.next(() => true);
      session.reset();
    };
    const time = handClock();
    const dialer = wsDialer({ clock: time });
    const refusing = await unusedPort();
    await against(resetting, async (url) => {
      // One of each beforehand: what is made once and kept is no leak.
      await lossOf(dial(`ws://127.0.0.1:${refusing}/`, {}, dialer));
      const count = () => process.getActiveResourcesInfo().sort().join(' ');
      const before = count();
      for (let round = 0; round < 50; round += 1) {
        const terminated = await opened(dial(url, {}, dialer));
        terminated.socket.terminate();
        dial(url, {}, dialer).socket.terminate();
        const reset = await opened(dial(url, {}, dialer));
        reset.socket.sendText('now');
        await Promise.all([lossOf(reset), lossOf(dial(`ws://127.0.0.1:${refusing}/`, {}, dialer))]);
      }
      await until(() => count() === before, `resources as before: ${before}`);
      assert.equal(time.pending(), 0, 'no timer runs');
    });
  });
});
