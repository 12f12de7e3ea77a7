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
import { type Ear, listen, startTestCard, type TestCard, until } from '../helpers/card.ts';
import { type Daemon, type Folders, folders, startDaemon } from '../helpers/daemon.ts';
import { isListenStart } from '../helpers/good-conversation.ts';
import { packetsOf, soundCodec } from '../helpers/opus-sound.ts';
import { likeness, utterance } from '../helpers/same-sound.ts';
import {
  messageOf,
  type ScriptedServer,
  type Session,
  startScriptedServer,
} from '../helpers/scripted-server.ts';

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

class Room {
  readonly card: TestCard;
  readonly server: ScriptedServer;
  readonly #places: Folders;
  readonly daemon: Daemon;
  readonly #ear: Ear;

  private constructor(card: TestCard, server: ScriptedServer, places: Folders, daemon: Daemon, ear: Ear) {
    this.card = card;
    this.server = server;
    this.#places = places;
    this.daemon = daemon;
    this.#ear = ear;
  }

  static async open(): Promise<Room> {
    const card = await startTestCard();
    const server = await startScriptedServer(async (device) => {
      await device.next('hello');
      device.hello();
      await device.next(() => false, Number.POSITIVE_INFINITY);
    });
    const places = await folders();
    const settings = {
      'server.websocket_url': server.url,
      'audio.input.device': card.microphone,
      'audio.output.device': card.speaker,
      'turn.follow_up': 'false',
    };
    const daemon = startDaemon(places, { environment: card.childEnvironment, settings });
    await daemon.logged(/link ready/);
    return new Room(card, server, places, daemon, await listen(card, card.listenTo, RATE_HZ));
  }

  async close(): Promise<void> {
    await this.#ear.stop();
    await this.daemon.stop();
    await this.server.stop();
    await this.card.stop();
    await this.#places.remove();
  }

  get session(): Session {
    const last = this.server.sessions.at(-1);
    if (last === undefined) throw new Error('no session');
    return last;
  }

  heardBytes(): number {
    return this.#ear.heard().length;
  }

  heardFrom(bytes: number): Pcm {
    return Uint8Array.from(this.#ear.heard().subarray(bytes));
  }

  async ask(command: string): Promise<Readonly<Record<string, unknown>>> {
    const answered = await askControl(join(this.#places.root, 'r'), { command }, CONTROL_DEADLINE_MS);
    if (!('ok' in answered) || !answered.ok) throw new Error(`${command}: ${JSON.stringify(answered)}`);
    return answered;
  }

  async status(): Promise<Status> {
    return (await this.ask('status')).status as Status;
  }

  async becomes(state: string): Promise<void> {
    for (let now = ''; now !== state; now = (await this.status()).state) await pause(20);
  }

  /** A press, up to the server's having heard of it. */
  async press(): Promise<void> {
    const from = this.session.received.length;
    await this.ask('press');
    await until(() => this.session.received.slice(from).some(isListenStart), 'listen start');
  }

  /** The recorder is behind what was played by its buffer, and by what the card renders ahead. */
  async silence(): Promise<void> {
    await pause(400);
  }
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
      await room.silence();
      const from = session.received.length;
      await room.ask('stop');
      await until(() => isAbort(session, from), 'abort');
      session.say(tts('stop'));
    },
  ],
];

describe('an answer', () => {
  let room: Room;
  before(async () => {
    room = await Room.open();
  });
  after(() => room.close());

  /** How often the speaker had nothing to play in mid-answer, because this machine, which paces the packets too, stood still. */
  const holes = async () => {
    const { underruns, gaps } = (await room.status()).audio.output;
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
      await room.press();
      const from = room.heardBytes();
      const before = await holes();
      await server(room.session, packets, room);
      await room.becomes('idle');
      await room.silence();
      whole(packets, room.heardFrom(from), (await holes()) - before);
    });

  it('that is interrupted ten times in one session is silent each time, and never comes back', async () => {
    const { session } = room;
    await room.press();
    for (let round = 0; round < 10; round += 1) {
      const packets = answer();
      session.say(STT);
      session.say(tts('start'));
      // Interrupted after half a second of it, of which five packets came at once.
      await session.packets(packets.slice(0, 14));
      const before = session.received.length;
      const heardBefore = room.heardBytes();
      await room.ask('press');
      await until(() => isAbort(session, before), 'abort');
      // What was on its way when the press came, and what a server says that has stopped.
      for (const packet of packets.slice(14, 20)) session.packet(packet);
      session.say(tts('stop'));
      await until(() => session.received.slice(before).some(isListenStart), 'listen start');
      await room.silence();
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
    await room.becomes('idle');
    await room.silence();
    whole(last, room.heardFrom(from), (await holes()) - before);
  });

  it('whose connection breaks is heard to the end of what has come', async () => {
    const { session } = room;
    const packets = answer();
    await room.press();
    const from = room.heardBytes();
    const before = await holes();
    session.say(STT);
    session.say(tts('start'));
    const come = packets.slice(0, 30);
    await session.packets(come, { burst: 30 });
    await room.becomes('speaking');
    session.reset();
    await room.daemon.logged(/link lost/);
    await room.becomes('idle');
    await room.silence();
    whole(come, room.heardFrom(from), (await holes()) - before);
  });
});
