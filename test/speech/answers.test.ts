// Answers are heard to the end, however a server sends them, and an interrupted one never comes back. The real daemon on
// a real audio path: what the speaker played is compared with what the server sent.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { askControl } from '../../src/adapters/linux/control-socket.ts';
import type { Pcm } from '../../src/ports.ts';
import type { ServerMessage } from '../../src/protocol/messages.ts';
import type { Status } from '../../src/status.ts';
import { until } from '../helpers/card.ts';
import { isListenStart } from '../helpers/good-conversation.ts';
import { packetsOf, soundCodec } from '../helpers/opus-sound.ts';
import { Room } from '../helpers/room.ts';
import { likeness, utterance } from '../helpers/same-sound.ts';
import { messageOf, type Session } from '../helpers/scripted-server.ts';

const RATE_HZ = 16_000;
const BYTES_PER_MS = 32;
const ANSWER_MS = 2_400;
const CONTROL_DEADLINE_MS = 10_000;

const tts = (state: 'start' | 'stop'): ServerMessage => ({ type: 'tts', state });
const STT: ServerMessage = { type: 'stt', text: 'hm' };

/** What a good decoder makes of the packets. */
function decoded(packets: readonly Uint8Array[]): Pcm {
  const decoder = soundCodec().decoder(RATE_HZ);
  return Buffer.concat(packets.map((packet) => Uint8Array.from(decoder.decode(packet) ?? [])));
}

let seeds = 100;
/** No two answers are alike. */
function answer(durationMs = ANSWER_MS, frameMs = 60): readonly Uint8Array[] {
  seeds += 1;
  return packetsOf(utterance(durationMs, seeds), frameMs);
}

async function ask(room: Room, command: string): Promise<Readonly<Record<string, unknown>>> {
  const answered = await askControl(join(room.places.root, 'r'), { command }, CONTROL_DEADLINE_MS);
  if (!('ok' in answered) || !answered.ok) throw new Error(`${command}: ${JSON.stringify(answered)}`);
  return answered;
}

async function statusOf(room: Room): Promise<Status> {
  return (await ask(room, 'status')).status as Status;
}

async function becomes(room: Room, state: string): Promise<void> {
  for (let now = ''; now !== state; now = (await statusOf(room)).state) await pause(20);
}

/** A press, up to the server's having heard of it. */
async function press(room: Room): Promise<void> {
  const from = room.session.received.length;
  await ask(room, 'press');
  await until(() => room.session.received.slice(from).some(isListenStart), 'listen start');
}

/** The recorder is behind what was played by its buffer, and by what the card renders ahead. */
async function silence(): Promise<void> {
  await pause(400);
}

const isAbort = (session: Session, from: number) =>
  session.received.slice(from).some((heard) => messageOf(heard)?.type === 'abort');

type Server = (session: Session, packets: readonly Uint8Array[], room: Room) => Promise<void>;

/** Understands, announces, sends, finishes. */
const sending =
  (send: (session: Session, packets: readonly Uint8Array[]) => Promise<unknown>, stopAfterMs = 420): Server =>
  async (session, packets) => {
    session.say(STT);
    session.say(tts('start'));
    await send(session, packets);
    await session.pause(stopAfterMs);
    session.say(tts('stop'));
  };

const plain = sending((session, packets) => session.packets(packets));

/** Two or three packets at once, then a pause of as long: a server whose timer is coarse. */
async function unevenly(session: Session, packets: readonly Uint8Array[]): Promise<void> {
  for (let at = 0, size = 2; at < packets.length; at += size, size = size === 2 ? 3 : 2) {
    for (const packet of packets.slice(at, at + size)) session.packet(packet);
    await session.pause(60 * packets.slice(at, at + size).length);
  }
}

const SERVERS: readonly (readonly [name: string, packets: () => readonly Uint8Array[], server: Server])[] = [
  ['paces well', answer, plain],
  [
    'sends a hundred packets at once, and finishes at once',
    () => answer(6_000),
    sending((session, packets) => session.packets(packets, { burst: 100 }), 0),
  ],
  ['paces badly', answer, sending(unevenly)],
  [
    'sends packets of 20 ms',
    () => answer(ANSWER_MS, 20),
    sending((session, packets) => session.packets(packets, { everyMs: 20, burst: 15 })),
  ],
  [
    'sends packets of 120 ms',
    () => answer(ANSWER_MS, 120),
    sending((session, packets) => session.packets(packets, { everyMs: 120, burst: 2 })),
  ],
  [
    'says too early that it has finished',
    answer,
    async (session, packets) => {
      session.say(STT);
      session.say(tts('start'));
      await session.packets(packets.slice(0, -3));
      session.say(tts('stop'));
      await session.packets(packets.slice(-3), { burst: 0 });
    },
  ],
  ['says so two seconds late', answer, sending((session, packets) => session.packets(packets), 2_000)],
  [
    'says twice that it begins',
    answer,
    async (session, packets) => {
      session.say(STT);
      session.say(tts('start'));
      await session.packets(packets.slice(0, 10));
      session.say(tts('start'));
      await session.packets(packets.slice(10), { burst: 0 });
      await session.pause(420);
      session.say(tts('stop'));
    },
  ],
  [
    'does not say that it begins',
    answer,
    async (session, packets) => {
      await session.packets(packets);
      await session.pause(420);
      session.say(tts('stop'));
    },
  ],
  [
    'never says that it has finished, until the next press',
    answer,
    async (session, packets, room) => {
      session.say(STT);
      session.say(tts('start'));
      await session.packets(packets);
      await silence();
      const from = session.received.length;
      await ask(room, 'stop');
      await until(() => isAbort(session, from), 'abort');
      session.say(tts('stop'));
    },
  ],
];

describe('an answer', () => {
  let room: Room;
  before(async () => {
    room = await Room.open(RATE_HZ);
    await room.start().logged(/link ready/);
  });
  after(() => room.close());

  /** How often the speaker had nothing to play in mid-answer, because this machine, which paces the packets too, stood still. */
  const holes = async () => {
    const { underruns, gaps } = (await statusOf(room)).audio.output;
    return underruns + gaps;
  };

  const whole = (packets: readonly Uint8Array[], heard: Pcm, holesIn: number) => {
    const found = likeness(decoded(packets), heard);
    assert.ok(found.comparedMs > 1_000);
    const { lostMs, cutMs, putInMs } = found;
    if (holesIn === 0) assert.deepEqual([lostMs, cutMs, putInMs], [0, 0, 0], JSON.stringify(found));
    // What is on either side of a hole is heard all the same.
    else assert.ok(cutMs === 0 && lostMs <= 120 * holesIn, `${holesIn} holes: ${JSON.stringify(found)}`);
  };

  for (const [name, make, server] of SERVERS)
    it(`is heard whole from a server that ${name}`, async () => {
      const packets = make();
      await press(room);
      const from = room.heardBytes();
      const before = await holes();
      await server(room.session, packets, room);
      await becomes(room, 'idle');
      await silence();
      whole(packets, room.heardFrom(from), (await holes()) - before);
    });

  it('that is interrupted ten times in one session is silent each time, and never comes back', async () => {
    const { session } = room;
    await press(room);
    for (let round = 0; round < 10; round += 1) {
      const packets = answer();
      session.say(STT);
      session.say(tts('start'));
      // Interrupted after half a second of it, of which five packets came at once.
      await session.packets(packets.slice(0, 14));
      const before = session.received.length;
      const heardBefore = room.heardBytes();
      await ask(room, 'press');
      await until(() => isAbort(session, before), 'abort');
      // What was on its way when the press came, and what a server says that has stopped.
      for (const packet of packets.slice(14, 20)) session.packet(packet);
      session.say(tts('stop'));
      await until(() => session.received.slice(before).some(isListenStart), 'listen start');
      await silence();
      const old = likeness(decoded(packets).subarray(700 * BYTES_PER_MS), room.heardFrom(heardBefore));
      assert.ok(
        old.lostMs > 0.8 * old.comparedMs,
        `round ${round}: the old answer goes on: ${JSON.stringify(old)}`,
      );
    }
    const from = room.heardBytes();
    const before = await holes();
    const last = answer();
    await plain(session, last, room);
    await becomes(room, 'idle');
    await silence();
    whole(last, room.heardFrom(from), (await holes()) - before);
  });

  it('whose connection breaks is heard to the end of what has come', async () => {
    const { session } = room;
    const packets = answer();
    await press(room);
    const from = room.heardBytes();
    const before = await holes();
    session.say(STT);
    session.say(tts('start'));
    const come = packets.slice(0, 30);
    await session.packets(come, { burst: 30 });
    await becomes(room, 'speaking');
    session.reset();
    await room.daemon.logged(/link lost/);
    await becomes(room, 'idle');
    await silence();
    whole(come, room.heardFrom(from), (await holes()) - before);
  });
});
