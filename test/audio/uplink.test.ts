// From PCM to packets on a connection: whole, in order, none twice; by a hand-driven clock and an encoder that numbers
// its packets. The real codec has tests of its own.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { simMicrophone } from '../../src/adapters/sim/sim-microphone.ts';
import { Capture } from '../../src/audio/capture.ts';
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
  let encoded = 0;
  const network = { busy: false };
  const uplink = new Uplink({
    capture: new Capture({ microphone, clock, log }),
    encoder: {
      encode(pcm) {
        assert.equal(pcm.length, 1_920, 'an encoder is given whole frames of 60 ms');
        encoded += 1;
        return new Uint8Array(new Uint32Array([encoded]).buffer);
      },
    },
    clock,
    log,
    offer: (connection, packet) => {
      if (network.busy) return 'busy';
      sent.push({ connection, packet: new DataView(packet.buffer).getUint32(0, true), at: clock.now() });
      return 'taken';
    },
    on: {
      flushed: (turn, take) => events.push(`flushed ${turn}/${take}`),
      voiced: (turn) => events.push(`voiced ${turn}`),
      failed: (turn, _reason, said) => events.push(`failed ${turn} ${said ? 'after' : 'before'} a voice`),
    },
  });
  const numbers = (connection?: number) =>
    sent.filter((one) => connection === undefined || one.connection === connection).map((one) => one.packet);
  return { clock, log, microphone, uplink, sent, numbers, events, network };
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

describe('the uplink', () => {
  it('sends each packet as soon as its 60 ms are full', () => {
    const { clock, uplink, sent } = rig();
    uplink.follow(open(1, 1, 7));
    clock.advance(600);
    assert.deepEqual(
      sent.map((one) => one.at),
      upTo(10).map((n) => n * 60),
    );
  });

  it('keeps what is said before there is a connection and sends it first, at four times real time at most', () => {
    const { clock, uplink, sent, numbers } = rig();
    uplink.follow(open(1, 0, null));
    clock.advance(3_000);
    assert.equal(sent.length, 0);
    uplink.follow(open(1, 1, 7));
    clock.advance(1_500);
    assert.deepEqual(numbers(), upTo(75), 'caught up: all 50 kept and 25 live ones, in order');
    for (const [at, one] of sent.slice(0, 50).entries())
      assert.ok(one.at - 3_000 >= (at - 1) * 15 - 1, `packet ${at} at ${one.at - 3_000} ms`);
  });

  it('sends the whole utterance again to the next connection', () => {
    const { clock, uplink, numbers } = rig();
    uplink.follow(open(1, 1, 7));
    clock.advance(600);
    uplink.follow(open(1, 1, null));
    clock.advance(300);
    uplink.follow(open(1, 2, 8));
    clock.advance(1_000);
    assert.deepEqual(numbers(7), upTo(10));
    assert.deepEqual(numbers(8).slice(0, 20), upTo(20));
  });

  it('following the same wish twice changes nothing', () => {
    const { clock, uplink, numbers } = rig();
    uplink.follow(open(1, 1, 7));
    clock.advance(300);
    uplink.follow(open(1, 1, 7));
    clock.advance(300);
    assert.deepEqual(numbers(), upTo(10));
  });

  it('at the end completes the packet begun, closes the microphone and says when all is sent', () => {
    const { clock, microphone, uplink, numbers, events } = rig();
    uplink.follow(open(1, 1, 7));
    clock.advance(630);
    uplink.follow(ending(1, 1, 7));
    assert.deepEqual(events, []);
    clock.advance(60);
    assert.deepEqual(numbers(), upTo(11));
    assert.deepEqual(events, ['flushed 1/1']);
    assert.equal(microphone.isRunning, false);
  });

  it('at the end does not wait for a microphone that has died', () => {
    const { clock, microphone, uplink, numbers, events } = rig();
    uplink.follow(open(1, 1, 7));
    clock.advance(630);
    microphone.stop();
    uplink.follow(ending(1, 1, 7));
    clock.advance(150);
    assert.deepEqual(numbers(), upTo(11), 'the last packet is made up with silence');
    assert.deepEqual(events, ['flushed 1/1']);
  });

  it('that ended without a connection is flushed once there is one', () => {
    const { clock, uplink, numbers, events } = rig();
    uplink.follow(open(1, 0, null));
    clock.advance(600);
    uplink.follow(ending(1, 0, null));
    clock.advance(5_000);
    assert.deepEqual(events, []);
    uplink.follow(ending(1, 1, 7));
    clock.advance(1_000);
    assert.deepEqual(numbers(), upTo(10));
    assert.deepEqual(events, ['flushed 1/1']);
  });

  it('offers a packet again that the network did not take, and loses none', () => {
    const { clock, uplink, numbers, network } = rig();
    uplink.follow(open(1, 1, 7));
    network.busy = true;
    clock.advance(2_000);
    network.busy = false;
    clock.advance(2_000);
    assert.deepEqual(numbers().slice(0, 60), upTo(60));
  });

  it('keeps 30 s, drops the oldest beyond, counts them and says so once', () => {
    const { clock, log, uplink, numbers } = rig();
    uplink.follow(open(1, 0, null));
    clock.advance(33_000);
    assert.equal(uplink.status().keptPackets, 500);
    assert.equal(uplink.status().droppedPackets, 50);
    assert.equal(log.lines.filter((line) => line.text.includes('oldest speech is dropped')).length, 1);
    uplink.follow(open(1, 1, 7));
    clock.advance(60);
    assert.equal(numbers()[0], 51);
  });

  it('takes an open microphone over into a new turn without a gap and without the old turn’s speech', () => {
    const { clock, uplink, numbers } = rig();
    uplink.follow(open(1, 1, 7));
    clock.advance(600);
    uplink.follow(open(2, 1, 7));
    clock.advance(600);
    assert.deepEqual(numbers(), upTo(20));
  });

  it('wanted again before its last packet was complete goes on recording', () => {
    const { clock, microphone, uplink, numbers } = rig();
    uplink.follow(open(1, 1, 7));
    clock.advance(630);
    uplink.follow(ending(1, 1, 7));
    clock.advance(8);
    uplink.follow(open(1, 1, 7));
    clock.advance(1_000);
    assert.equal(microphone.isRunning, true);
    assert.deepEqual(numbers().slice(0, 27), upTo(27));
  });

  it('goes on sending live beyond what it keeps, and says what a resend can no longer hold', () => {
    const { clock, log, uplink, numbers } = rig();
    uplink.follow(open(1, 1, 7));
    clock.advance(45_000);
    assert.deepEqual(numbers(7), upTo(750));
    assert.equal(uplink.status().droppedPackets, 0, 'all of it was sent');
    uplink.follow(open(1, 1, null));
    uplink.follow(open(1, 2, 8));
    clock.advance(60);
    assert.equal(numbers(8)[0], 251);
    assert.equal(uplink.status().droppedPackets, 250);
    assert.ok(log.lines.some((line) => line.text.includes('oldest speech is dropped')));
  });

  it('takes what was not sent yet along into an utterance that continues on the same connection', () => {
    const { clock, uplink, numbers, network } = rig();
    uplink.follow(open(1, 1, 7));
    clock.advance(630);
    network.busy = true;
    clock.advance(600);
    uplink.follow(open(2, 1, 7));
    network.busy = false;
    clock.advance(1_200);
    assert.deepEqual(numbers().slice(0, 40), upTo(40), 'none missing, none twice');
  });

  it('reports a voice once, and silence never', () => {
    const silent = rig();
    silent.uplink.follow(open(1, 1, 7));
    silent.clock.advance(5_000);
    assert.deepEqual(silent.events, []);
    const loud = rig((bytes) => tone(300, (bytes / 32_000) * 1_000, 16_000).subarray(0, bytes));
    loud.uplink.follow(open(1, 1, 7));
    loud.clock.advance(5_000);
    assert.deepEqual(loud.events, ['voiced 1']);
  });

  it('says of a microphone that failed whether there was a voice before', () => {
    for (const [source, when] of [
      [(bytes: number) => tone(300, (bytes / 32_000) * 1_000, 16_000).subarray(0, bytes), 'after'],
      [(bytes: number) => new Uint8Array(bytes), 'before'],
    ] as const) {
      const { clock, microphone, uplink, events } = rig(source);
      uplink.follow(open(1, 1, 7));
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
    uplink.follow(open(1, 1, 7));
    clock.advance(630);
    uplink.follow(null);
    const count = sent.length;
    clock.advance(5_000);
    assert.equal(sent.length, count);
    assert.equal(microphone.isRunning, false);
    assert.equal(clock.pending(), 0);
  });
});
