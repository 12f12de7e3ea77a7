// What a connection takes when the network carries less than is said, and how its ping is judged then: by a socket whose
// queue is set by hand.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Connections } from '../../src/connections.ts';
import type { Event } from '../../src/core/events.ts';
import type { Dialer, Socket, SocketEvents } from '../../src/ports.ts';
import { agentRig } from '../helpers/agent-rig.ts';
import { keptLog, until } from '../helpers/card.ts';
import { goodConversation } from '../helpers/good-conversation.ts';
import { handClock } from '../helpers/hand-clock.ts';
import { DOWN, HOME } from '../helpers/networks.ts';
import { startScriptedServer } from '../helpers/scripted-server.ts';

const PACKET = new Uint8Array(180);
/** What a look that matters may be old; one that costs a small board 0.1 ms may be older. */
const FRESH_MS = 100;
const UNHURRIED_MS = 500;
/** More than fits on any road, and less than a connection that is stuck. */
const FULL_BYTES = 500_000;

function rig() {
  const clock = handClock();
  const events: Event[] = [];
  /** `seen`: what an old look at the queue finds. */
  const road = { sent: 0, underWay: 0, seen: null as number | null, looks: [] as number[] };
  let on: SocketEvents | undefined;
  let pings = 0;
  const take = (bytes: number) => {
    road.sent += bytes;
    road.underWay += bytes;
    return true;
  };
  const socket: Socket = {
    get sentBytes() {
      return road.sent;
    },
    underWayBytes(maxAgeMs) {
      road.looks.push(maxAgeMs);
      return maxAgeMs > FRESH_MS ? (road.seen ?? road.underWay) : road.underWay;
    },
    isOpen: true,
    sendText: (text) => take(text.length),
    sendBinary: (bytes) => take(bytes.length),
    ping(mark) {
      pings = mark;
      return take(8);
    },
    close() {},
    terminate() {},
  };
  const connections = new Connections({
    dialer: {
      dial(_request, given) {
        on = given;
        return socket;
      },
    },
    server: () => ({
      url: 'ws://127.0.0.1/',
      headers: () => ({}),
      deadlineMs: 1_000,
      framing: 1,
      device: { name: 'x', version: '0' },
    }),
    clock,
    log: keptLog(),
    dispatch: (event) => events.push(event),
    speech: () => undefined,
  });
  connections.match([1], 'polite');
  const fill = () => {
    let taken = 0;
    while (connections.offer(1, PACKET) === 'taken') taken += PACKET.length;
    return taken;
  };
  return {
    clock,
    road,
    connections,
    events,
    fill,
    pong: (mark = pings) => on?.ponged(mark),
    /** Round trips as they were told. */
    roundTrips: () => events.flatMap((event) => (event.type === 'socket.heard' ? [event.rttMs] : [])),
    moves: () => events.filter(({ type }) => type === 'socket.moved').length,
  };
}

describe('a connection', () => {
  it('takes about a second of speech more than fits on the road, and says that it is busy', () => {
    const { connections, clock, fill, pong, road } = rig();
    connections.ping(1);
    clock.advance(50);
    pong();
    road.underWay = 0;
    const near = fill();
    assert.ok(near > 4_096 && near < 6_000, `${near} bytes`);
    road.underWay = 0;
    assert.equal(connections.offer(1, PACKET), 'taken');
  });

  it('takes more at once when the server is far away: what fits into its round trip', () => {
    const { connections, clock, fill, pong, road } = rig();
    connections.ping(1);
    clock.advance(2_000);
    pong();
    road.underWay = 0;
    assert.ok(fill() > 24_000);
  });

  it('judges that by the shortest round trip it has seen: a queue makes the others long', () => {
    const { connections, clock, fill, pong, road } = rig();
    for (const roundTripMs of [3_000, 40, 4_000]) {
      connections.ping(1);
      clock.advance(roundTripMs);
      pong();
    }
    road.underWay = 0;
    assert.ok(fill() < 6_000);
  });

  it('tells that what is ahead of a ping gets on, at most once a second, and nothing once the ping is through', () => {
    const { connections, clock, fill, road, moves } = rig();
    fill();
    const ahead = road.underWay;
    connections.ping(1);
    connections.look(1);
    assert.equal(moves(), 0);
    for (let tenth = 1; tenth <= 30; tenth += 1) {
      clock.advance(100);
      road.underWay = ahead - 100 * tenth;
      connections.look(1);
    }
    assert.equal(moves(), 3);
    road.underWay = 4;
    clock.advance(1_000);
    connections.look(1);
    assert.equal(moves(), 4);
    road.underWay = 0;
    clock.advance(5_000);
    connections.look(1);
    assert.equal(moves(), 4, 'the ping itself has arrived: the server has its time to answer and no more');
  });

  it('says nothing while it takes a packet: whoever is told may offer the same again', () => {
    const { connections, clock, fill, road, moves } = rig();
    fill();
    connections.ping(1);
    road.underWay = 100;
    clock.advance(2_000);
    assert.equal(connections.offer(1, PACKET), 'taken');
    assert.equal(moves(), 0);
    connections.look(1);
    assert.equal(moves(), 1);
  });

  it('takes 4 KiB and 12 bytes for each millisecond of a round trip, before the first of 300', () => {
    const taken = (roundTripMs: number | null) => {
      const { connections, clock, fill, pong, road } = rig();
      if (roundTripMs !== null) {
        connections.ping(1);
        clock.advance(roundTripMs);
        pong();
        road.underWay = 0;
      }
      return fill();
    };
    for (const [roundTripMs, bytes] of [
      [50, 4_096 + 600],
      [2_000, 4_096 + 24_000],
      [null, 4_096 + 3_600],
    ] as const) {
      const most = taken(roundTripMs);
      assert.ok(most > bytes && most <= bytes + PACKET.length, `${roundTripMs} ms: ${most} bytes`);
    }
  });

  it('looks at the queue now and then while it is short, and anew before it says that it is busy', () => {
    const { connections, road } = rig();
    connections.offer(1, PACKET);
    assert.deepEqual(road.looks, [UNHURRIED_MS]);
    road.seen = 1_000_000;
    assert.equal(connections.offer(1, PACKET), 'taken', 'by now it has got on');
    assert.deepEqual(road.looks, [UNHURRIED_MS, UNHURRIED_MS, FRESH_MS]);
    road.underWay = 1_000_000;
    assert.equal(connections.offer(1, PACKET), 'busy');
    road.looks.length = 0;
    assert.equal(connections.underWay(1), 1_000_000);
    assert.deepEqual(road.looks, [FRESH_MS]);
  });

  it('takes each answer for that of its own ping, once, and of the last eight', () => {
    const { connections, clock, pong, roundTrips } = rig();
    for (let ping = 1; ping <= 3; ping += 1) {
      connections.ping(1);
      clock.advance(1_000);
    }
    pong(1);
    clock.advance(1_000);
    pong(1);
    pong(3);
    assert.deepEqual(roundTrips(), [3_000, null, 2_000]);
    for (let ping = 4; ping <= 12; ping += 1) connections.ping(1);
    pong(4);
    pong(5);
    assert.deepEqual(roundTrips().slice(3), [null, 0]);
  });

  it('tells nothing of a queue that stands still', () => {
    const { connections, clock, fill, moves, road } = rig();
    fill();
    road.underWay -= 1_000;
    connections.ping(1);
    for (let tenth = 1; tenth <= 30; tenth += 1) {
      clock.advance(100);
      connections.look(1);
    }
    assert.equal(moves(), 0);
  });
});

describe('speech that a connection does not take', () => {
  for (const [where, snapshot, bitRateBps] of [
    ['on a network that there is is spoken in fewer bits', HOME, 8_000],
    ['without any is spoken as before, for it will be sent again', DOWN, 24_000],
  ] as const)
    it(where, async () => {
      const server = await startScriptedServer(
        goodConversation({ utterancePackets: Number.POSITIVE_INFINITY }),
      );
      const road = { isBlocked: false };
      const rig = agentRig(server.url, {}, undefined, { dialer: (real) => blockable(real, road) });
      await rig.linkIs('ready');
      rig.agent.dispatch({ type: 'network.seen', snapshot: HOME });
      rig.press();
      await rig.turnIs('listening');
      road.isBlocked = true;
      rig.agent.dispatch({ type: 'network.seen', snapshot });
      await until(() => rig.agent.uplink.status().unsentMs > 3_000, 'three seconds of speech that wait');
      assert.equal(rig.agent.uplink.status().bitRateBps, bitRateBps);
      rig.stop();
      await server.stop();
    });
});

/** Sockets on which, when it is so wished, nothing gets on. */
function blockable(real: Dialer, road: { readonly isBlocked: boolean }): Dialer {
  return {
    dial(request, on) {
      const socket = real.dial(request, on);
      return {
        get sentBytes() {
          return socket.sentBytes;
        },
        underWayBytes: (maxAgeMs) => (road.isBlocked ? FULL_BYTES : socket.underWayBytes(maxAgeMs)),
        get isOpen() {
          return socket.isOpen;
        },
        sendText: (text) => socket.sendText(text),
        sendBinary: (bytes) => socket.sendBinary(bytes),
        ping: (mark) => socket.ping(mark),
        close: () => socket.close(),
        terminate: () => socket.terminate(),
      };
    },
  };
}
