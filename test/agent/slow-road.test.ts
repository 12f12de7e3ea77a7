// What a connection takes when the network carries less than is said, and how its ping is judged then: by a socket whose
// queue is set by hand.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Connections } from '../../src/connections.ts';
import type { Event } from '../../src/core/events.ts';
import type { Socket, SocketEvents } from '../../src/ports.ts';
import { keptLog } from '../helpers/card.ts';
import { handClock } from '../helpers/hand-clock.ts';

const PACKET = new Uint8Array(180);

function rig() {
  const clock = handClock();
  const events: Event[] = [];
  const road = { sent: 0, underWay: 0 };
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
    underWayBytes: () => road.underWay,
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
    pong: () => on?.ponged(pings),
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

  it('tells nothing of a queue that stands still', () => {
    const { connections, clock, fill, moves } = rig();
    fill();
    connections.ping(1);
    for (let tenth = 1; tenth <= 30; tenth += 1) {
      clock.advance(100);
      connections.look(1);
    }
    assert.equal(moves(), 0);
  });
});
