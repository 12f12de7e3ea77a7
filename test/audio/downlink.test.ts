// From packets to the speaker: reserve, pacing, gaps, playing out. Hand-driven clock, simulated speaker, a real codec.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { evanCodec } from '../../src/adapters/linux/evan-codec.ts';
import { simSpeaker } from '../../src/adapters/sim/sim-speaker.ts';
import { Downlink } from '../../src/audio/downlink.ts';
import { PacedSpeaker } from '../../src/audio/paced-speaker.ts';
import { keptLog } from '../helpers/card.ts';
import { handClock } from '../helpers/hand-clock.ts';
import { tonePackets } from '../helpers/opus-sound.ts';
import { measure, rms } from '../helpers/tone.ts';

const RATE_HZ = 24_000;
const JITTER_MS = 160;

function rig(jitterMs = JITTER_MS, rememberMs = 30_000) {
  const clock = handClock();
  const log = keptLog();
  const codec = evanCodec();
  if ('missing' in codec) throw new Error(codec.missing);
  const speaker = simSpeaker(clock, { rateHz: RATE_HZ, rememberMs });
  const events: string[] = [];
  const plays: string[] = [];
  /** How much had been heard each time that all had been. */
  const drainedAt: number[] = [];
  const downlink = new Downlink({
    speaker: new PacedSpeaker({ speaker, clock, log }),
    codec,
    clock,
    log,
    jitterMs,
    on: {
      started: (turn) => events.push(`started ${turn}`),
      heard: (turn) => events.push(`heard ${turn}`),
      played: (turn) => plays.push(`${turn} at ${clock.now()}`),
      drained: (turn) => {
        drainedAt.push(speaker.played().length);
        events.push(`drained ${turn}`);
      },
      failed: (turn, reason) => events.push(`failed ${turn} ${reason}`),
    },
  });
  return { clock, log, speaker, downlink, events, plays, drainedAt };
}

type Rig = ReturnType<typeof rig>;

/** Packets of a tone, as a server with that rate and frame length makes them. */
const sound = (durationMs: number, frameMs = 60, rateHz = 24_000) => tonePackets(durationMs, frameMs, rateHz);

function paced({ clock, downlink }: Rig, packets: readonly Uint8Array[], everyMs: number): void {
  for (const packet of packets) {
    downlink.push(packet);
    clock.advance(everyMs);
  }
}

describe('the downlink', () => {
  it('plays a paced answer complete, without holes, and says when it has drained', () => {
    const played = rig();
    played.downlink.follow({ turn: 1, ending: false });
    paced(played, sound(3_000), 60);
    played.downlink.follow({ turn: 1, ending: true });
    played.clock.advance(2_000);
    const heard = measure(played.speaker.played(), RATE_HZ);
    assert.ok(Math.abs(heard.loudMs - 3_000) <= 40, `${heard.loudMs} ms`);
    assert.equal(heard.holes, 0);
    assert.ok(Math.abs(heard.hz - 440) < 2, `${heard.hz} Hz`);
    assert.equal(played.events.at(-1), 'drained 1');
    assert.deepEqual(played.drainedAt, [played.speaker.played().length], 'the last sample was heard by then');
    assert.equal(played.speaker.isRunning, false);
    assert.equal(played.downlink.status().gaps, 0);
  });

  it('begins with a reserve, not before', () => {
    const { clock, speaker, downlink } = rig();
    const [one, two, three] = sound(180);
    downlink.follow({ turn: 1, ending: false });
    for (const packet of [one, two]) if (packet) downlink.push(packet);
    clock.advance(150);
    assert.equal(rms(speaker.played()), 0);
    if (three) downlink.push(three);
    clock.advance(50);
    assert.ok(rms(speaker.played()) > 1_000);
  });

  it('begins at the very moment at which the reserve is complete', () => {
    const { clock, speaker, downlink } = rig();
    const writtenAt: number[] = [];
    const write = speaker.write.bind(speaker);
    speaker.write = (pcm) => {
      writtenAt.push(clock.now());
      write(pcm);
    };
    downlink.follow({ turn: 1, ending: false });
    const [one, two, three] = sound(180);
    for (const packet of [one, two]) if (packet) downlink.push(packet);
    clock.advance(150);
    if (three) downlink.push(three);
    assert.equal(writtenAt[0], 150);
  });

  it('begins 200 ms after the first packet even if no reserve builds up', () => {
    const { clock, speaker, downlink } = rig();
    downlink.follow({ turn: 1, ending: false });
    for (const packet of sound(60)) downlink.push(packet);
    clock.advance(190);
    assert.equal(rms(speaker.played()), 0);
    clock.advance(80);
    assert.ok(rms(speaker.played()) > 1_000);
  });

  it('plays an answer shorter than the reserve as soon as it is known to be over', () => {
    const { clock, speaker, downlink, events } = rig();
    downlink.follow({ turn: 1, ending: false });
    for (const packet of sound(60)) downlink.push(packet);
    downlink.follow({ turn: 1, ending: true });
    clock.advance(500);
    assert.ok(measure(speaker.played(), RATE_HZ).loudMs >= 50);
    assert.equal(events.at(-1), 'drained 1');
  });

  for (const [frameMs, rateHz] of [
    [20, 24_000],
    [60, 16_000],
    [120, 48_000],
    [10, 8_000],
  ] as const)
    it(`plays packets of ${frameMs} ms encoded at ${rateHz} Hz at their true pitch and length`, () => {
      const played = rig();
      played.downlink.follow({ turn: 1, ending: false });
      paced(played, sound(1_200, frameMs, rateHz), frameMs);
      played.downlink.follow({ turn: 1, ending: true });
      played.clock.advance(1_000);
      const heard = measure(played.speaker.played(), RATE_HZ);
      assert.ok(Math.abs(heard.loudMs - 1_200) <= 40, `${heard.loudMs} ms`);
      assert.ok(Math.abs(heard.hz - 440) < 3, `${heard.hz} Hz`);
      assert.equal(heard.holes, 0);
    });

  it('plays a burst of 100 packets complete', () => {
    const played = rig();
    played.downlink.follow({ turn: 1, ending: false });
    for (const packet of sound(6_000)) played.downlink.push(packet);
    played.downlink.follow({ turn: 1, ending: true });
    played.clock.advance(8_000);
    assert.ok(Math.abs(measure(played.speaker.played(), RATE_HZ).loudMs - 6_000) <= 40);
    assert.equal(played.events.at(-1), 'drained 1');
  });

  it('plays a minute that comes at once complete, and says that it goes on', () => {
    const played = rig();
    played.downlink.follow({ turn: 1, ending: false });
    for (const packet of sound(60_000)) played.downlink.push(packet);
    played.downlink.follow({ turn: 1, ending: true });
    played.clock.advance(58_000);
    assert.equal(played.plays.length, 58, 'once a second');
    assert.equal(played.events.at(-1), 'started 1');
    played.clock.advance(4_000);
    assert.equal(played.events.at(-1), 'drained 1');
    assert.equal(played.downlink.status().droppedPackets, 0);
    // The speaker of the test remembers 30 s.
    assert.equal(measure(played.speaker.played(), RATE_HZ).holes, 0);
  });

  it('holds half a megabyte or five minutes; the newest beyond is dropped, counted and said once', () => {
    const { log, downlink } = rig();
    downlink.follow({ turn: 1, ending: false });
    const [packet = new Uint8Array()] = sound(60);
    let pushed = 0;
    for (; downlink.status().droppedPackets < 30; pushed += 1) downlink.push(packet);
    const most = Math.min(Math.floor((512 * 1_024) / packet.length), 300_000 / 60);
    // Two of them are with the speaker.
    assert.ok(Math.abs(pushed - 30 - most) <= 2, `${pushed - 30} of ${most}`);
    assert.equal(log.lines.filter((line) => line.text.includes('newest is dropped')).length, 1);
  });

  it('bridges a gap: the sound fades, silence follows, then the rest is heard whole', () => {
    const played = rig();
    const packets = sound(2_400);
    played.downlink.follow({ turn: 1, ending: false });
    paced(played, packets.slice(0, 20), 60);
    played.clock.advance(1_500);
    paced(played, packets.slice(20), 60);
    played.downlink.follow({ turn: 1, ending: true });
    played.clock.advance(2_000);
    const heard = measure(played.speaker.played(), RATE_HZ);
    assert.ok(heard.loudMs >= 2_400 && heard.loudMs <= 2_400 + 160, `${heard.loudMs} ms`);
    assert.ok(heard.holes >= 100, 'silence in between, not an endless drone');
    const { gaps, concealedMs } = played.downlink.status();
    assert.equal(gaps, 1);
    assert.equal(concealedMs, 120);
    // The seam: the tone goes on and fades, where zeros would cut it off.
    const all = played.speaker.played();
    const bytesPerMs = RATE_HZ / 500;
    const firstLoudMs = 20 * Math.floor(all.findIndex((byte) => byte !== 0) / bytesPerMs / 20);
    const seamMs = firstLoudMs + 1_200;
    const at = (fromMs: number, toMs: number) => rms(all.subarray(fromMs * bytesPerMs, toMs * bytesPerMs));
    assert.ok(at(seamMs + 10, seamMs + 40) > 1_000, 'invented sound bridges the gap');
    assert.ok(at(seamMs + 70, seamMs + 90) < at(seamMs + 10, seamMs + 30), 'it fades');
    assert.equal(at(seamMs + 200, seamMs + 400), 0);
  });

  it('reports that packets come, once a second', () => {
    const played = rig();
    played.downlink.follow({ turn: 1, ending: false });
    paced(played, sound(4_200), 60);
    const heard = played.events.filter((event) => event === 'heard 1').length;
    assert.ok(heard >= 3 && heard <= 4, `${heard} times in 4 s`);
  });

  it('hides a corrupt packet instead of stopping', () => {
    const played = rig();
    const packets = [...sound(1_200)];
    // A valid first byte for 60 ms, then nonsense of two frames with a length beyond the packet.
    packets[8] = Uint8Array.from([0x5a, 0xff, 0xff]);
    packets[12] = new Uint8Array(0);
    played.downlink.follow({ turn: 1, ending: false });
    paced(played, packets, 60);
    played.downlink.follow({ turn: 1, ending: true });
    played.clock.advance(2_000);
    // One packet hidden, the empty one simply not there.
    const heard = measure(played.speaker.played(), RATE_HZ);
    assert.ok(heard.loudMs >= 1_100, `${heard.loudMs} ms`);
    assert.equal(played.downlink.status().corruptPackets, 2);
    assert.equal(played.events.at(-1), 'drained 1');
  });

  it('is silent at once when it is no longer wanted, and nothing is left running', () => {
    const { clock, speaker, downlink } = rig();
    downlink.follow({ turn: 1, ending: false });
    for (const packet of sound(3_000)) downlink.push(packet);
    clock.advance(1_000);
    const before = measure(speaker.played(), RATE_HZ).loudMs;
    downlink.follow(null);
    clock.advance(2_000);
    assert.equal(measure(speaker.played(), RATE_HZ).loudMs, before);
    assert.equal(clock.pending(), 0);
  });

  it('does not play a turn’s leftovers in the next one', () => {
    const { clock, speaker, downlink } = rig();
    downlink.follow({ turn: 1, ending: false });
    for (const packet of sound(3_000)) downlink.push(packet);
    clock.advance(500);
    downlink.follow({ turn: 2, ending: false });
    const before = measure(speaker.played(), RATE_HZ).loudMs;
    clock.advance(3_000);
    assert.equal(measure(speaker.played(), RATE_HZ).loudMs, before);
  });

  it('decodes each turn’s answer as if there had been none before', () => {
    const packets = sound(1_200);
    const play = (played: Rig, turn: number) => {
      const before = played.speaker.played().length;
      played.downlink.follow({ turn, ending: false });
      paced(played, packets, 60);
      played.downlink.follow({ turn, ending: true });
      played.clock.advance(1_000);
      return played.speaker.played().subarray(before);
    };
    const used = rig();
    play(used, 1);
    assert.deepEqual(play(used, 2), play(rig(), 1));
  });

  it('never writes more than 100 ms ahead of what was heard', () => {
    const { clock, speaker, downlink } = rig();
    let writtenMs = 0;
    let most = 0;
    const write = speaker.write.bind(speaker);
    speaker.write = (pcm) => {
      write(pcm);
      writtenMs += pcm.length / 2 / (RATE_HZ / 1_000);
      most = Math.max(most, writtenMs - clock.now());
    };
    downlink.follow({ turn: 1, ending: false });
    for (const packet of sound(3_000)) downlink.push(packet);
    clock.advance(2_500);
    assert.ok(writtenMs >= 2_500, 'it keeps up');
    assert.ok(most > 50 && most <= 100, `${most} ms ahead`);
  });

  it('drains at once when nothing ever came', () => {
    const { downlink, events } = rig();
    downlink.follow({ turn: 1, ending: false });
    downlink.follow({ turn: 1, ending: true });
    assert.deepEqual(events, ['drained 1']);
  });

  it('starts a broken speaker again and goes on with the answer', () => {
    const played = rig();
    played.downlink.follow({ turn: 1, ending: false });
    const packets = sound(3_000);
    paced(played, packets.slice(0, 20), 60);
    played.speaker.fail('aplay: device disconnected');
    paced(played, packets.slice(20), 60);
    played.downlink.follow({ turn: 1, ending: true });
    played.clock.advance(3_000);
    assert.equal(played.downlink.status().restarts, 1);
    assert.match(played.downlink.status().lastTrouble?.reason ?? '', /disconnected/);
    assert.ok(measure(played.speaker.played(), RATE_HZ).loudMs >= 2_700);
    assert.equal(played.events.at(-1), 'drained 1');
  });

  it('loses nothing of an answer whose card is busy for the first second', () => {
    const played = rig();
    played.downlink.follow({ turn: 1, ending: false });
    for (const packet of sound(3_000)) played.downlink.push(packet);
    while (played.clock.now() < 1_000) {
      played.clock.advance(40);
      played.speaker.fail('aplay: device busy');
    }
    const before = measure(played.speaker.played(), RATE_HZ).loudMs;
    played.downlink.follow({ turn: 1, ending: true });
    played.clock.advance(6_000);
    const heard = measure(played.speaker.played(), RATE_HZ).loudMs - before;
    assert.ok(Math.abs(heard - 3_000) <= 40, `${heard} ms heard`);
    assert.equal(played.events.at(-1), 'drained 1');
  });

  it('gives up a speaker that cannot be started, after a few tries', () => {
    const { clock, speaker, downlink, events } = rig();
    downlink.follow({ turn: 1, ending: false });
    for (const packet of sound(600)) downlink.push(packet);
    for (let time = 0; time < 500; time += 1) {
      speaker.fail('aplay: device busy');
      clock.advance(20);
    }
    assert.equal(events.filter((event) => event === 'failed 1 aplay: device busy').length, 1);
    assert.equal(clock.pending(), 0);
  });
});

describe('the reserve that adapts', () => {
  /** What is heard does not matter here. */
  const adapting = () => rig(0, 0);
  const packets = sound(3_000);
  /** One answer of 3 s, each packet late by what `lateMs` says of its number. */
  function answer({ clock, downlink }: Rig, turn: number, lateMs: (packet: number) => number): void {
    downlink.follow({ turn, ending: false });
    const from = clock.now();
    let arrivesAt = from;
    for (const [at, packet] of packets.entries()) {
      arrivesAt = Math.max(arrivesAt, from + at * 60 + lateMs(at));
      clock.advance(arrivesAt - clock.now());
      downlink.push(packet);
    }
    downlink.follow({ turn, ending: true });
    clock.advance(2_000);
  }
  const steady = () => 0;
  const rough = (packet: number) => (packet % 10 === 9 ? 250 : 0);

  const often = (played: Rig, lateMs: (packet: number) => number, from = 1) => {
    for (let turn = from; turn < from + 20; turn += 1) answer(played, turn, lateMs);
  };

  it('is 160 ms at first, and 120 on a network that delivers evenly or for a server that sends ahead of time', () => {
    const even = adapting();
    assert.equal(even.downlink.status().reserveMs, 160);
    often(even, steady);
    assert.equal(even.downlink.status().reserveMs, 120);
    const ahead = adapting();
    often(ahead, (packet) => (packet < 5 ? 0 : -240));
    assert.equal(ahead.downlink.status().reserveMs, 120);
  });

  it('grows to what the delays were, so that the next answer has no gaps, and shrinks when they are over', () => {
    const played = adapting();
    answer(played, 1, rough);
    const gaps = played.downlink.status().gaps;
    assert.ok(gaps > 0, 'the first one had');
    const { reserveMs } = played.downlink.status();
    assert.ok(reserveMs >= 330 && reserveMs <= 350, `${reserveMs} ms`);
    answer(played, 2, rough);
    assert.equal(played.downlink.status().gaps, gaps);
    often(played, steady, 3);
    assert.ok(played.downlink.status().reserveMs < 140);
  });

  it('is no longer for a server that sends all at once, or whose clock is slow', () => {
    const burst = adapting();
    burst.downlink.follow({ turn: 1, ending: false });
    for (const packet of sound(6_000)) burst.downlink.push(packet);
    burst.clock.advance(900);
    burst.downlink.push(sound(60)[0] ?? new Uint8Array());
    assert.ok(burst.downlink.status().reserveMs <= 160);
    const slow = adapting();
    slow.downlink.follow({ turn: 1, ending: false });
    for (const packet of sound(300)) slow.downlink.push(packet);
    paced(slow, sound(20_000), 61);
    assert.ok(slow.downlink.status().reserveMs <= 160, `${slow.downlink.status().reserveMs} ms`);
  });

  it('counts a packet that was later still as 400 ms late, so that it is forgotten as soon', () => {
    const reserveAfter = (worstMs: number) => {
      const played = adapting();
      answer(played, 1, (packet) => (packet === 25 ? worstMs : 0));
      often(played, steady, 2);
      return played.downlink.status().reserveMs;
    };
    const usual = reserveAfter(400);
    assert.ok(usual > 140, 'not forgotten altogether');
    // A packet that holds up those behind it is forgotten a few packets later.
    assert.ok(Math.abs(reserveAfter(900) - usual) < 1, `${reserveAfter(900)} instead of ${usual} ms`);
  });

  it('does not take the pause between two answers for lateness', () => {
    const played = adapting();
    played.downlink.follow({ turn: 1, ending: false });
    paced(played, sound(3_000), 60);
    played.downlink.follow({ turn: 1, ending: true });
    played.clock.advance(600);
    assert.equal(played.events.at(-1), 'drained 1');
    played.downlink.follow({ turn: 2, ending: false });
    paced(played, sound(600), 60);
    assert.ok(played.downlink.status().reserveMs <= 160, `${played.downlink.status().reserveMs} ms`);
  });

  it('is 400 ms at the most, and no pause in mid-answer makes it grow', () => {
    const awful = adapting();
    answer(awful, 1, (packet) => (packet % 20 === 19 ? 800 : 0));
    assert.equal(awful.downlink.status().reserveMs, 400);
    const pausing = adapting();
    answer(pausing, 1, (packet) => (packet < 25 ? 0 : 3_000));
    assert.ok(pausing.downlink.status().reserveMs < 160);
  });
});

describe('a server that says too early that it has finished', () => {
  it('is heard to the last packet that follows within a moment', () => {
    const played = rig(120);
    const packets = sound(1_800);
    played.downlink.follow({ turn: 1, ending: false });
    paced(played, packets.slice(0, 25), 60);
    played.downlink.follow({ turn: 1, ending: true });
    paced(played, packets.slice(25), 60);
    played.clock.advance(1_000);
    const heard = measure(played.speaker.played(), RATE_HZ);
    assert.ok(Math.abs(heard.loudMs - 1_800) <= 40, `${heard.loudMs} ms`);
    assert.equal(heard.holes, 0);
    assert.deepEqual(played.events.at(-1), 'drained 1');
  });

  it('is heard to the last packet that follows after silence of less than three packets', () => {
    const played = rig(120);
    const packets = sound(1_800);
    played.downlink.follow({ turn: 1, ending: false });
    paced(played, packets.slice(0, 25), 60);
    played.downlink.follow({ turn: 1, ending: true });
    // The last one came 60 ms ago.
    played.clock.advance(110);
    assert.deepEqual(played.events.at(-1), 'heard 1', 'not over yet');
    paced(played, packets.slice(25), 60);
    assert.equal(played.speaker.isRunning, true);
    played.clock.advance(1_000);
    const heard = measure(played.speaker.played(), RATE_HZ);
    assert.ok(heard.loudMs >= 1_800 - 40, `${heard.loudMs} ms`);
    assert.equal(played.events.filter((event) => event === 'drained 1').length, 1);
  });

  it('is heard to a packet that comes while the last of its sound is playing', () => {
    const played = rig(120);
    const [last = new Uint8Array(), ...packets] = sound(660).reverse();
    played.downlink.follow({ turn: 1, ending: false });
    for (const packet of packets.reverse()) played.downlink.push(packet);
    played.downlink.follow({ turn: 1, ending: true });
    played.clock.advance(560);
    assert.equal(played.downlink.status().playback, 'finishing');
    played.downlink.push(last);
    played.clock.advance(1_000);
    const heard = measure(played.speaker.played(), RATE_HZ);
    // Whoever waits for more invents sound that fades.
    assert.ok(heard.loudMs >= 660 && heard.loudMs < 660 + 60, `${heard.loudMs} ms`);
    assert.deepEqual(
      played.events.filter((event) => event === 'drained 1'),
      ['drained 1'],
    );
  });
});
