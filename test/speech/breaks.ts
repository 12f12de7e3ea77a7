// Everything that may happen to a connection while somebody speaks, each to a daemon and a server of its own; all of them
// hear the same person through one virtual microphone, so what each server got can be compared with what the microphone
// got. For the tests and the bench; judges nothing.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { askControl } from '../../src/adapters/linux/control-socket.ts';
import type { Pcm } from '../../src/ports.ts';
import type { Status } from '../../src/status.ts';
import { type Ear, listen, startTestCard, type TestCard } from '../helpers/card.ts';
import { type Daemon, type Folders, folders, startDaemon } from '../helpers/daemon.ts';
import { isListenStart } from '../helpers/good-conversation.ts';
import { heardOf } from '../helpers/opus-sound.ts';
import {
  type Heard,
  messageOf,
  type Script,
  type ScriptedServer,
  type Session,
  startScriptedServer,
} from '../helpers/scripted-server.ts';

export type Break = {
  readonly name: string;
  readonly settings?: Readonly<Record<string, string>>;
  readonly script: Script;
  /** Before the press: as long as the connection has to be silent for this break. */
  readonly silentMs?: number;
};

export type Told = {
  readonly name: string;
  /** What the microphone got, from a moment before the press to the end. */
  readonly said: Pcm;
  /** What the last session got, decoded. */
  readonly heard: Pcm;
  /** Packets of the last session after its last `listen start`. */
  readonly packets: readonly Uint8Array[];
  readonly sessions: readonly Session[];
  /** From the end of speech, when the button was let go, to `listen stop`, which follows the last packet. */
  readonly lateMs: number;
  readonly log: string;
};

const RATE_HZ = 16_000;
export const FRAME_MS = 60;
/**
 * Nobody speaks in the moment in which their finger comes down: they begin when all recorders run, which are nine at once on
 * a machine that others use. Whoever does speak sooner is what the warm microphone is for.
 */
const BREATH_MS = 2_000;
/** They let go a moment after the last word. */
const LET_GO_MS = 400;
const CONTROL_DEADLINE_MS = 10_000;
const POLL_MS = 20;
const WHOLE_DEADLINE_MS = 60_000;

export const isStop = (heard: Heard): boolean => {
  const message = messageOf(heard);
  return message?.type === 'listen' && message.state === 'stop';
};
const isPacket = (heard: Heard): boolean => heard.kind === 'binary';

async function greet(session: Session): Promise<void> {
  await session.next('hello', Number.POSITIVE_INFINITY);
  session.hello();
}

/** Understands what ends with `listen stop`, and has nothing to say to it. */
async function understand(session: Session): Promise<void> {
  await session.next(isStop, Number.POSITIVE_INFINITY);
  session.say({ type: 'stt', text: 'understood' });
  session.say({ type: 'tts', state: 'start' });
  session.say({ type: 'tts', state: 'stop' });
  await session.next(() => false, Number.POSITIVE_INFINITY);
}

async function resetAfter(session: Session, speechMs: number): Promise<void> {
  await session.next(isListenStart, Number.POSITIVE_INFINITY);
  for (let ms = 0; ms < speechMs; ms += FRAME_MS) await session.next(isPacket, Number.POSITIVE_INFINITY);
  session.reset();
}

/** What each session does, the last of them for all that follow. */
function sessions(...plays: readonly ((session: Session) => Promise<void>)[]): Script {
  return async (session) => {
    await greet(session);
    const play = plays[Math.min(session.index, plays.length - 1)];
    await play?.(session);
  };
}

const connectIn = (delayMs: number): Break => ({
  name: `connecting takes ${delayMs / 1_000} s`,
  settings: { 'link.mode': 'on-demand' },
  script: Object.assign(sessions(understand), { admit: () => ({ delayMs }) }),
});

const lostAfter = (name: string, ...speechMs: readonly number[]): Break => ({
  name,
  script: sessions(...speechMs.map((ms) => (session: Session) => resetAfter(session, ms)), understand),
});

export const UNBROKEN = 'unbroken';

export function breaksOf(utteranceMs: number): readonly Break[] {
  return [
    { name: UNBROKEN, script: sessions(understand) },
    connectIn(100),
    connectIn(1_000),
    connectIn(5_000),
    lostAfter('lost 0.5 s into it', 480),
    lostAfter('lost in the middle of it', utteranceMs / 2),
    {
      name: 'lost at its end',
      script: sessions(async (session) => {
        await session.next(isStop, Number.POSITIVE_INFINITY);
        session.reset();
      }, understand),
    },
    lostAfter('lost twice', 480, utteranceMs / 2),
    {
      name: 'half-open at the press',
      // More than the 5 s after which a press asks whether anybody is there.
      silentMs: 6_000,
      script: sessions(async (session) => {
        session.blackHole();
        await session.next(() => false, Number.POSITIVE_INFINITY);
      }, understand),
    },
  ];
}

type Box = {
  readonly one: Break;
  readonly server: ScriptedServer;
  readonly places: Folders;
  readonly daemon: Daemon;
};

export class Stage {
  readonly card: TestCard;
  readonly #ear: Ear;
  readonly #boxes: Box[] = [];

  private constructor(card: TestCard, ear: Ear) {
    this.card = card;
    this.#ear = ear;
  }

  static async open(): Promise<Stage> {
    const card = await startTestCard();
    return new Stage(card, await listen(card, card.microphone, RATE_HZ));
  }

  /** Everything that was started, the card last; harmless twice. */
  async close(): Promise<void> {
    for (const { server, places, daemon } of this.#boxes.splice(0)) {
      await daemon.stop();
      await server.stop();
      await places.remove();
    }
    await this.#ear.stop();
    await this.card.stop();
  }

  async add(one: Break, settings: Readonly<Record<string, string>> = {}): Promise<void> {
    const server = await startScriptedServer(one.script);
    const places = await folders();
    const daemon = startDaemon(places, {
      environment: this.card.childEnvironment,
      settings: {
        'server.websocket_url': server.url,
        'audio.input.device': this.card.microphone,
        'audio.output.device': this.card.speaker,
        'turn.follow_up': 'false',
        ...settings,
        ...one.settings,
      },
    });
    this.#boxes.push({ one, server, places, daemon });
    await daemon.logged(one.settings?.['link.mode'] === 'on-demand' ? /audio/ : /link ready/);
  }

  /** All buttons are held while the same person speaks; `leadMs`: they have begun so long before. */
  async say(speech: Pcm, leadMs = 0): Promise<readonly Told[]> {
    const silentMs = Math.max(...this.#boxes.map(({ one }) => one.silentMs ?? 0));
    await pause(silentMs);
    const speechMs = (speech.length / 2 / RATE_HZ) * 1_000;
    const from = this.#ear.heard().length;
    const speaking = leadMs > 0 ? this.#speak(speech) : undefined;
    if (leadMs > 0) await pause(leadMs);
    const breathMs = leadMs > 0 ? 0 : BREATH_MS;
    const holdMs = Math.round(breathMs + speechMs - leadMs + LET_GO_MS);
    const pressedAt = this.#boxes.map(() => performance.now());
    const presses = this.#boxes.map(({ places }, at) => {
      pressedAt[at] = performance.now();
      return askControl(join(places.root, 'r'), { command: 'press', hold_ms: holdMs }, CONTROL_DEADLINE_MS);
    });
    if (breathMs > 0) await Promise.all(this.#boxes.map(({ places }) => recording(places, breathMs)));
    await (speaking ?? this.#speak(speech));
    for (const answer of await Promise.all(presses))
      if (!('ok' in answer && answer.ok)) throw new Error(`a press failed: ${JSON.stringify(answer)}`);
    const ended = await Promise.all(this.#boxes.map((box) => understood(box)));
    const said = Uint8Array.from(this.#ear.heard().subarray(from));
    return this.#boxes.map((box, at) => told(box, said, (ended[at] ?? 0) - ((pressedAt[at] ?? 0) + holdMs)));
  }

  async #speak(speech: Pcm): Promise<void> {
    const format = ['-t', 'raw', '-f', 'S16_LE', '-r', String(RATE_HZ), '-c', '1'];
    const child = spawn('aplay', ['-q', '-D', this.card.speakInto, ...format, '--buffer-time=400000', '-'], {
      stdio: ['pipe', 'inherit', 'inherit'],
      env: this.card.childEnvironment,
    });
    child.stdin.end(speech);
    await once(child, 'close');
  }
}

async function recording(places: Folders, deadlineMs: number): Promise<void> {
  const deadline = AbortSignal.timeout(deadlineMs);
  for (;;) {
    const answer = await askControl(join(places.root, 'r'), { command: 'status' }, CONTROL_DEADLINE_MS);
    if ((answer as { status?: Status }).status?.audio.input.state === 'delivering') return;
    if (deadline.aborted) throw new Error(`no sound from the microphone within ${deadlineMs} ms of a press`);
    await pause(POLL_MS);
  }
}

/** When the `listen stop` came that was answered. */
async function understood({ server, daemon }: Box): Promise<number> {
  const deadline = AbortSignal.timeout(WHOLE_DEADLINE_MS);
  for (;;) {
    const last = server.sessions.at(-1);
    const stop = last?.received.findLast(isStop);
    if (stop !== undefined && /turn idle .*answered/.test(daemon.log())) return stop.atMs;
    if (deadline.aborted)
      throw new Error(`nothing was understood within ${WHOLE_DEADLINE_MS} ms; the log:\n${daemon.log()}`);
    await pause(POLL_MS);
  }
}

/** What came after the last `listen start`, or nothing without one. */
export function packetsAfterStart(received: readonly Heard[]): readonly Uint8Array[] {
  const from = received.findLastIndex(isListenStart);
  if (from < 0) return [];
  return received.slice(from).flatMap((heard) => (heard.kind === 'binary' ? [heard.bytes] : []));
}

function told({ one, server, daemon }: Box, said: Pcm, lateMs: number): Told {
  const packets = packetsAfterStart(server.sessions.at(-1)?.received ?? []);
  return {
    name: one.name,
    said,
    heard: heardOf(packets),
    packets,
    sessions: server.sessions,
    lateMs,
    log: daemon.log(),
  };
}
