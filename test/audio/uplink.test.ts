// From PCM to packets on a connection: whole, in order, none twice; by a hand-driven clock and an encoder that numbers
// its packets. The real codec has tests of its own.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { simMicrophone } from '../../src/adapters/sim/sim-microphone.ts';
import { BitRate } from '../../src/audio/bit-rate.ts';
import { Capture } from '../../src/audio/capture.ts';
import { Preroll } from '../../src/audio/preroll.ts';
import { Uplink, type WantedUtterance } from '../../src/audio/uplink.ts';
import { keptLog } from '../helpers/card.ts';
import { handClock } from '../helpers/hand-clock.ts';
import { tone } from '../helpers/tone.ts';

function rig(source?: (bytes: number) => Uint8Array) {
  const clock = handClock();
  const log = keptLog();
  const microphone = simMicrophone(clock, source === undefined ? {} : { source });
  const sent: { connection: number; packet: number; at: number }[] = [];
  const events: string[] = [];
  const moves: string[] = [];
  let encoded = 0;
  const network = { busy: false, hasWay: true, underWay: 0, looked: () => {} };
  const told = { moved: () => {} };
  const rates: number[] = [];
  const frames: Uint8Array[] = [];
  const uplink = new Uplink({
    capture: new Capture({ microphone, clock, log }),
    encoder: {
      encode(pcm) {
        assert.equal(pcm.length, 1_920, 'an encoder is given whole frames of 60 ms');
        encoded += 1;
        frames.push(pcm);
        return new Uint8Array(new Uint32Array([encoded]).buffer);
      },
      setBitRate: (bps) => rates.push(bps),
    },
    bitRate: new BitRate(24_000),
    preroll: new Preroll(300),
    clock,
    log,
    road: {
      offer: (connection, packet) => {
        if (network.busy) return 'busy';
        sent.push({ connection, packet: new DataView(packet.buffer).getUint32(0, true), at: clock.now() });
        return 'taken';
      },
      underWay: () => network.underWay,
      hasWay: () => network.hasWay,
      look: () => network.looked(),
    },
    on: {
      flushed: (turn, take) => events.push(`flushed ${turn}/${take}`),
      moved: (turn, take) => {
        moves.push(`${turn}/${take} at ${clock.now()}`);
        told.moved();
      },
      hushed: (turn, take, sentAt) =>
        events.push(`hushed ${turn}/${take} at ${clock.now()}, sent at ${sentAt}`),
      voiced: (turn) => events.push(`voiced ${turn}`),
      failed: (turn, _reason, said) => events.push(`failed ${turn} ${said ? 'after' : 'before'} a voice`),
    },
  });
  const numbers = (connection?: number) =>
    sent.filter((one) => connection === undefined || one.connection === connection).map((one) => one.packet);
  return { clock, log, microphone, uplink, sent, numbers, events, moves, rates, frames, network, told };
}

const open = (turn: number, take: number, sendTo: number | null): WantedUtterance => ({
  turn,
  take,
  sendTo,
  capture: 'open',
});
const ending = (turn: number, take: number, sendTo: number | null): WantedUtterance => ({
  turn,
  take,
  sendTo,
  capture: 'ending',
});
const upTo = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

/** Each chunk of 20 ms holds its own number. */
function counting(): (bytes: number) => Uint8Array {
  let count = 0;
  return (bytes) => {
    count += 1;
    return new Uint8Array(new Uint16Array(bytes / 2).fill(count).buffer);
  };
}

const CHUNK_BYTES = 640;

/** The number of each chunk in what was encoded. */
function chunksIn(frames: readonly Uint8Array[]): readonly number[] {
  return frames.flatMap((frame) =>
    Array.from({ length: frame.length / CHUNK_BYTES }, (_, at) =>
      new DataView(frame.buffer, frame.byteOffset).getUint16(at * CHUNK_BYTES, true),
    ),
  );
}

describe('the uplink', () => {
  it('sends each packet as soon as its 60 ms are full', () => {
    const { clock, uplink, sent } = rig();
    uplink.follow(open(1, 1, 7), 'closed');
    clock.advance(600);
    assert.deepEqual(
      sent.map((one) => one.at),
      upTo(10).map((n) => n * 60),
    );
  });

  it('keeps what is said before there is a connection and sends it first, at four times real time at most', () => {
    const { clock, uplink, sent, numbers } = rig();
    uplink.follow(open(1, 0, null), 'closed');
    clock.advance(3_000);
    assert.equal(sent.length, 0);
    uplink.follow(open(1, 1, 7), 'closed');
    clock.advance(1_500);
    assert.deepEqual(numbers(), upTo(75), 'caught up: all 50 kept and 25 live ones, in order');
    for (const [at, one] of sent.slice(0, 50).entries())
      assert.ok(one.at - 3_000 >= (at - 1) * 15 - 1, `packet ${at} at ${one.at - 3_000} ms`);
  });

  it('sends the whole utterance again to the next connection', () => {
    const { clock, uplink, numbers } = rig();
    uplink.follow(open(1, 1, 7), 'closed');
    clock.advance(600);
    uplink.follow(open(1, 1, null), 'closed');
    clock.advance(300);
    uplink.follow(open(1, 2, 8), 'closed');
    clock.advance(1_000);
    assert.deepEqual(numbers(7), upTo(10));
    assert.deepEqual(numbers(8).slice(0, 20), upTo(20));
  });

  it('following the same wish twice changes nothing', () => {
    const { clock, uplink, numbers } = rig();
    uplink.follow(open(1, 1, 7), 'closed');
    clock.advance(300);
    uplink.follow(open(1, 1, 7), 'closed');
    clock.advance(300);
    assert.deepEqual(numbers(), upTo(10));
  });

  it('at the end completes the packet begun, closes the microphone and says when all is sent', () => {
    const { clock, microphone, uplink, numbers, events } = rig();
    uplink.follow(open(1, 1, 7), 'closed');
    clock.advance(630);
    uplink.follow(ending(1, 1, 7), 'closed');
    assert.deepEqual(events, []);
    clock.advance(60);
    assert.deepEqual(numbers(), upTo(11));
    assert.deepEqual(events, ['flushed 1/1']);
    assert.equal(microphone.isRunning, false);
  });

  it('at the end takes in what is still in the recorder, even when a packet is full just then', () => {
    const { clock, uplink, numbers } = rig();
    uplink.follow(open(1, 1, 7), 'closed');
    clock.advance(590);
    uplink.follow(ending(1, 1, 7), 'closed');
    clock.advance(200);
    assert.deepEqual(numbers(), upTo(11));
  });

  it('at the end does not wait for a microphone that has died', () => {
    const { clock, microphone, uplink, numbers, events } = rig();
    uplink.follow(open(1, 1, 7), 'closed');
    clock.advance(630);
    microphone.stop();
    uplink.follow(ending(1, 1, 7), 'closed');
    clock.advance(200);
    assert.deepEqual(numbers(), upTo(11), 'the last packet is made up with silence');
    assert.deepEqual(events, ['flushed 1/1']);
  });

  it('that ended without a connection is flushed once there is one', () => {
    const { clock, uplink, numbers, events } = rig();
    uplink.follow(open(1, 0, null), 'closed');
    clock.advance(600);
    uplink.follow(ending(1, 0, null), 'closed');
    clock.advance(5_000);
    assert.deepEqual(events, []);
    uplink.follow(ending(1, 1, 7), 'closed');
    clock.advance(1_000);
    assert.deepEqual(numbers(), upTo(11), 'with what was still in the recorder');
    assert.deepEqual(events, ['flushed 1/1']);
  });

  it('offers a packet again that the network did not take, and loses none', () => {
    const { clock, uplink, numbers, network } = rig();
    uplink.follow(open(1, 1, 7), 'closed');
    network.busy = true;
    clock.advance(2_000);
    network.busy = false;
    clock.advance(2_000);
    assert.deepEqual(numbers().slice(0, 60), upTo(60));
  });

  it('keeps 30 s, drops the oldest beyond, counts them and says so once', () => {
    const { clock, log, uplink, numbers } = rig();
    uplink.follow(open(1, 0, null), 'closed');
    clock.advance(33_000);
    assert.equal(uplink.status().keptMs, 30_000);
    assert.equal(uplink.status().keptBytes, 500 * 4, 'and is as large as what is kept');
    assert.equal(uplink.status().droppedMs, 3_000);
    assert.equal(log.lines.filter((line) => line.text.includes('oldest speech is dropped')).length, 1);
    uplink.follow(open(1, 1, 7), 'closed');
    clock.advance(60);
    assert.equal(numbers()[0], 51);
  });

  it('takes an open microphone over into a new turn without a gap and without the old turn’s speech', () => {
    const { clock, uplink, numbers } = rig();
    uplink.follow(open(1, 1, 7), 'closed');
    clock.advance(600);
    uplink.follow(open(2, 1, 7), 'closed');
    clock.advance(600);
    assert.deepEqual(numbers(), upTo(20));
  });

  it('wanted again before its last packet was complete goes on recording', () => {
    const { clock, microphone, uplink, numbers } = rig();
    uplink.follow(open(1, 1, 7), 'closed');
    clock.advance(630);
    uplink.follow(ending(1, 1, 7), 'closed');
    clock.advance(8);
    uplink.follow(open(1, 1, 7), 'closed');
    clock.advance(1_000);
    assert.equal(microphone.isRunning, true);
    assert.deepEqual(numbers().slice(0, 27), upTo(27));
  });

  it('goes on sending live beyond what it keeps, and says what a resend can no longer hold', () => {
    const { clock, log, uplink, numbers } = rig();
    uplink.follow(open(1, 1, 7), 'closed');
    clock.advance(45_000);
    assert.deepEqual(numbers(7), upTo(750));
    assert.equal(uplink.status().droppedMs, 0, 'all of it was sent');
    uplink.follow(open(1, 1, null), 'closed');
    uplink.follow(open(1, 2, 8), 'closed');
    clock.advance(60);
    assert.equal(numbers(8)[0], 251);
    assert.equal(uplink.status().droppedMs, 15_000);
    assert.ok(log.lines.some((line) => line.text.includes('oldest speech is dropped')));
  });

  it('counts what a resend can no longer hold once, however often it is sent again', () => {
    const { clock, uplink, numbers } = rig();
    uplink.follow(open(1, 1, 7), 'closed');
    clock.advance(45_000);
    for (const [take, connection] of [
      [2, 8],
      [3, 9],
      [4, 10],
    ] as const) {
      uplink.follow(open(1, take, null), 'closed');
      uplink.follow(open(1, take, connection), 'closed');
      clock.advance(15);
    }
    assert.deepEqual(numbers(10), [251]);
    assert.equal(uplink.status().droppedMs, 15_000);
  });

  it('takes what was not sent yet along into an utterance that continues on the same connection', () => {
    const { clock, uplink, numbers, network, frames } = rig(counting());
    uplink.follow(open(1, 1, 7), 'closed');
    clock.advance(630);
    network.busy = true;
    clock.advance(600);
    uplink.follow(open(2, 1, 7), 'closed');
    network.busy = false;
    clock.advance(1_200);
    assert.deepEqual(numbers().slice(0, 40), upTo(40), 'none missing, none twice');
    assert.deepEqual(chunksIn(frames), upTo(120), 'nor is a moment of the packet begun');
  });

  for (const [what, wanted] of [
    ['begins anew on the same connection', open(2, 2, 7)],
    ['goes to another connection', open(2, 1, 8)],
  ] as const)
    it(`leaves what was not sent yet behind when the next utterance ${what}`, () => {
      const { clock, uplink, numbers, network, frames } = rig(counting());
      uplink.follow(open(1, 1, 7), 'closed');
      network.busy = true;
      clock.advance(630);
      uplink.follow(wanted, 'closed');
      network.busy = false;
      clock.advance(60);
      assert.deepEqual(numbers(), [11]);
      assert.deepEqual(chunksIn(frames).slice(30), [32, 33, 34], 'nor has it a moment of the packet begun');
    });

  it('reports a voice once, and silence never', () => {
    const silent = rig();
    silent.uplink.follow(open(1, 1, 7), 'closed');
    silent.clock.advance(5_000);
    assert.deepEqual(silent.events, []);
    const loud = rig((bytes) => tone(300, (bytes / 32_000) * 1_000, 16_000).subarray(0, bytes));
    loud.uplink.follow(open(1, 1, 7), 'closed');
    loud.clock.advance(5_000);
    assert.deepEqual(loud.events, ['voiced 1']);
  });

  it('says of a microphone that failed whether there was a voice before', () => {
    for (const [source, when] of [
      [(bytes: number) => tone(300, (bytes / 32_000) * 1_000, 16_000).subarray(0, bytes), 'after'],
      [(bytes: number) => new Uint8Array(bytes), 'before'],
    ] as const) {
      const { clock, microphone, uplink, events } = rig(source);
      uplink.follow(open(1, 1, 7), 'closed');
      clock.advance(1_000);
      for (let time = 0; time < 40; time += 1) {
        microphone.fail('unplugged');
        clock.advance(100);
      }
      assert.ok(events.includes(`failed 1 ${when} a voice`), events.join());
    }
  });

  it('holds nothing after it is no longer wanted', () => {
    const { clock, microphone, uplink, sent } = rig();
    uplink.follow(open(1, 1, 7), 'closed');
    clock.advance(630);
    uplink.follow(null, 'closed');
    const count = sent.length;
    clock.advance(5_000);
    assert.equal(sent.length, count);
    assert.equal(microphone.isRunning, false);
    assert.equal(clock.pending(), 0);
  });
});

describe('whoever is told something while packets go out', () => {
  it('may ask for them again: none goes out twice, none is left out', () => {
    const { clock, uplink, numbers, network } = rig();
    let lookedAt = 0;
    network.looked = () => {
      if (clock.now() - lookedAt < 100) return;
      lookedAt = clock.now();
      uplink.follow(open(1, 1, 7), 'closed');
    };
    uplink.follow(open(1, 0, null), 'closed');
    clock.advance(3_000);
    uplink.follow(open(1, 1, 7), 'closed');
    clock.advance(3_000);
    assert.deepEqual(numbers(), upTo(100));
  });
});

describe('whoever is told that the end of an utterance gets on', () => {
  const underWay = (moved: (uplink: Uplink) => void) => {
    const played = rig();
    const { clock, uplink, network, told } = played;
    uplink.follow(open(1, 1, 7), 'closed');
    clock.advance(600);
    network.underWay = 3_000;
    uplink.follow(ending(1, 1, 7), 'closed');
    clock.advance(1_000);
    told.moved = () => {
      told.moved = () => {};
      moved(uplink);
    };
    network.underWay = 2_000;
    // Not a moment further than this: a timer that nobody needs would soon be gone.
    while (played.moves.length < 2) clock.advance(10);
    return played;
  };

  it('may want it no longer: nothing is looked for any more', () => {
    const { clock } = underWay((uplink) => uplink.follow(null, 'closed'));
    assert.equal(clock.pending(), 0);
  });

  it('may ask for it again: it is looked for once at a time', () => {
    const { clock } = underWay((uplink) => uplink.follow(ending(1, 1, 7), 'closed'));
    assert.equal(clock.pending(), 1);
  });
});

describe('the end of an utterance', () => {
  it('is waited for until its last packet has arrived, and each second in which some of it gets on is told', () => {
    const { clock, uplink, events, moves, network } = rig();
    uplink.follow(open(1, 1, 7), 'closed');
    clock.advance(600);
    network.underWay = 3_000;
    uplink.follow(ending(1, 1, 7), 'closed');
    clock.advance(60);
    assert.deepEqual([events, moves], [['flushed 1/1'], ['1/1 at 660']], 'handed over');
    for (const left of [2_500, 2_000, 1_500]) {
      network.underWay = left;
      clock.advance(600);
    }
    assert.deepEqual(moves, ['1/1 at 660', '1/1 at 1910'], 'at most one a second');
    clock.advance(5_000);
    assert.equal(moves.length, 2, 'a queue that stands still gets nowhere');
    network.underWay = 0;
    clock.advance(250);
    assert.deepEqual(moves.slice(2), ['1/1 at 7660'], 'all of it has arrived');
    clock.advance(10_000);
    assert.equal(moves.length, 3);
    assert.deepEqual(events, ['flushed 1/1'], 'and was flushed once');
  });

  it('is told to get on also while packets are still to be handed over', () => {
    const { clock, uplink, moves, network } = rig();
    uplink.follow(open(1, 0, null), 'closed');
    clock.advance(12_000);
    uplink.follow(ending(1, 1, 7), 'closed');
    network.underWay = 1;
    clock.advance(3_100);
    assert.deepEqual(moves, ['1/1 at 12060', '1/1 at 13065', '1/1 at 14070']);
  });
});

describe('somebody who has spoken and is silent', () => {
  const saying = (loudMs: number) => {
    const speech = tone(300, loudMs, 16_000);
    let at = 0;
    return (bytes: number) => {
      const chunk = Buffer.alloc(bytes);
      speech.slice(at, at + bytes).forEach((byte, n) => {
        chunk[n] = byte;
      });
      at += bytes;
      return chunk;
    };
  };

  it('is reported after 6 s, with the moment at which the last of the voice was sent, once a take', () => {
    const { clock, uplink, events } = rig(saying(900));
    uplink.follow(open(1, 1, 7), 'closed');
    clock.advance(20_000);
    assert.deepEqual(events, ['voiced 1', 'hushed 1/1 at 6900, sent at 900']);
    uplink.follow(open(1, 2, 8), 'closed');
    clock.advance(20_000);
    // 333 packets at four times real time, while live ones go on being added.
    assert.equal(events.length, 3);
    assert.match(events[2] ?? '', /^hushed 1\/2 at 262\d\d, sent at 202\d\d$/);
  });

  it('is not, of a voice that is too long ago to be kept and was never sent', () => {
    const { clock, uplink, events } = rig(saying(5_000));
    uplink.follow(open(1, 0, null), 'closed');
    clock.advance(40_000);
    uplink.follow(open(1, 1, 7), 'closed');
    clock.advance(30_000);
    assert.deepEqual(events, ['voiced 1']);
  });

  it('is not, as long as nothing was said or somebody goes on speaking', () => {
    const silent = rig();
    silent.uplink.follow(open(1, 1, 7), 'closed');
    silent.clock.advance(30_000);
    assert.deepEqual(silent.events, []);
    const talking = rig(saying(30_000));
    talking.uplink.follow(open(1, 1, 7), 'closed');
    talking.clock.advance(30_000);
    assert.deepEqual(talking.events, ['voiced 1']);
  });
});

describe('a network that cannot carry speech', () => {
  it('is spoken to in fewer bits, down to 8 kbit/s, and in more again when there is room', () => {
    const { clock, uplink, rates, network } = rig();
    uplink.follow(open(1, 1, 7), 'closed');
    clock.advance(1_000);
    network.busy = true;
    clock.advance(3_000);
    assert.deepEqual(rates, [16_000, 10_667, 8_000]);
    network.busy = false;
    clock.advance(1_500);
    assert.equal(rates.length, 3, 'room for a moment is none');
    clock.advance(20_000);
    assert.deepEqual(rates.slice(3), [10_000, 12_500, 15_625, 19_531, 24_000]);
  });

  it('is not blamed while the kernel knows of no way: what waits would be sent again in fewer bits', () => {
    const { clock, uplink, rates, network } = rig();
    uplink.follow(open(1, 1, 7), 'closed');
    clock.advance(1_000);
    network.busy = true;
    clock.advance(400);
    network.hasWay = false;
    clock.advance(5_000);
    network.hasWay = true;
    clock.advance(30);
    network.busy = false;
    clock.advance(5_000);
    assert.deepEqual(rates, []);
  });

  it('is not blamed by a new connection for what waited on the old one', () => {
    const { clock, uplink, rates, network } = rig();
    uplink.follow(open(1, 1, 7), 'closed');
    network.busy = true;
    clock.advance(100);
    uplink.follow(open(1, 1, null), 'closed');
    clock.advance(5_000);
    uplink.follow(open(1, 2, 8), 'closed');
    network.busy = false;
    clock.advance(600);
    network.busy = true;
    clock.advance(30);
    network.busy = false;
    clock.advance(3_000);
    assert.deepEqual(rates, []);
  });

  it('is not blamed for a backlog that gets smaller', () => {
    const { clock, uplink, rates, network } = rig();
    uplink.follow(open(1, 0, null), 'closed');
    clock.advance(10_000);
    uplink.follow(open(1, 1, 7), 'closed');
    for (let tenth = 0; tenth < 40; tenth += 1) {
      network.busy = tenth % 2 === 0;
      clock.advance(100);
    }
    assert.deepEqual(rates, []);
  });
});

describe('a warm microphone', () => {
  const firstNumber = (pcm: readonly Uint8Array[]) => chunksIn(pcm)[0] ?? -1;

  it('puts the last 300 ms before the press in front of what is said, and sends nothing without a press', () => {
    const { clock, uplink, sent, frames, microphone } = rig(counting());
    uplink.follow(null, 'kept');
    clock.advance(5_000);
    assert.equal(microphone.isRunning, true);
    assert.deepEqual([sent, frames], [[], []], 'what it hears is not even encoded');
    uplink.follow(open(1, 1, 7), 'kept');
    clock.advance(600);
    assert.equal(firstNumber(frames), 250 - 15 + 1, 'not a moment more');
    assert.equal(frames.length, 15);
    assert.equal(sent.length, 15, 'the 300 ms and the 600 ms');
  });

  it('stays open after the end of speech, and begins anew to keep', () => {
    const { clock, uplink, microphone, frames } = rig(counting());
    uplink.follow(open(1, 1, 7), 'kept');
    clock.advance(600);
    uplink.follow(ending(1, 1, 7), 'kept');
    clock.advance(160);
    const said = frames.length;
    uplink.follow(null, 'kept');
    assert.equal(microphone.isRunning, true);
    uplink.follow(open(2, 0, null), 'kept');
    clock.advance(200);
    assert.equal(frames.length - said, 5, '100 ms from before the press and 200 from after it');
  });

  it('keeps nothing of what the box itself says', () => {
    const { clock, uplink, frames, microphone } = rig(counting());
    uplink.follow(null, 'kept');
    clock.advance(1_000);
    uplink.follow(null, 'deaf');
    clock.advance(1_000);
    assert.equal(microphone.isRunning, true);
    uplink.follow(open(1, 1, 7), 'kept');
    clock.advance(60);
    assert.equal(firstNumber(frames), 101);
    assert.equal(frames.length, 1);
  });

  it('that has been dead for long has nothing to say of the moment before the press', () => {
    const { clock, uplink, frames, microphone } = rig(counting());
    uplink.follow(null, 'kept');
    clock.advance(400);
    microphone.fail('gone');
    clock.advance(0);
    microphone.stop();
    clock.advance(900);
    uplink.follow(open(1, 1, 7), 'kept');
    clock.advance(2_000);
    assert.ok(firstNumber(frames) > 20, `${firstNumber(frames)}`);
  });

  it('is closed where nobody may talk, and forgets what it heard', () => {
    const { clock, uplink, frames, microphone } = rig(counting());
    uplink.follow(null, 'kept');
    clock.advance(1_000);
    uplink.follow(null, 'closed');
    assert.equal(microphone.isRunning, false);
    uplink.follow(open(1, 1, 7), 'kept');
    clock.advance(60);
    assert.equal(firstNumber(frames), 51);
  });

  it('that waits to be started again is started at once by a press, and fills no log', () => {
    const { clock, uplink, microphone, numbers, log } = rig();
    uplink.follow(null, 'kept');
    for (let breaks = 0; breaks < 20; breaks += 1) {
      while (!microphone.isRunning) clock.advance(10);
      microphone.fail('no such device');
    }
    assert.ok(log.lines.filter(({ level }) => level === 'warn').length <= 7);
    assert.equal(microphone.isRunning, false);
    uplink.follow(open(1, 1, 7), 'kept');
    clock.advance(60);
    assert.equal(numbers().length, 1);
  });
});
