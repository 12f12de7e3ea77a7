// What every act on a virtual board needs: the board with the package on it, its journal, the person beside it, and the servers at
// the other end of its cable. Judges nothing but whether a sentence is whole.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Pcm } from '../../src/ports.ts';
import type { JsonObject } from '../../src/protocol/messages.ts';
import { until } from '../helpers/card.ts';
import { goodConversation, isListenStart } from '../helpers/good-conversation.ts';
import { heardOf } from '../helpers/opus-sound.ts';
import { likeness, utterance } from '../helpers/same-sound.ts';
import { messageOf, type ScriptedServer, startScriptedServer } from '../helpers/scripted-server.ts';
import { samples } from '../helpers/tone.ts';
import { Journal, type Line } from './journal.ts';
import { BOARD, type Board, HOST, SAYS_MS, startBoard } from './machine.ts';
import { Late, LOUDSPEAKER, MICROPHONE, Person, RATE_HZ } from './person.ts';

const MAIN = join(import.meta.dirname, '../../src/main.js');
export const SERVICE = 'xiaozhi-agent';
export const CONFIG = '/etc/xiaozhi-agent/config.toml';
export const GPIO = 17;
/** Nothing that anybody else writes. */
export const TOKEN = 'tok-5b1d7e0c9a42';
const TOKEN_FILE = '/etc/xiaozhi-agent/token';
/** Where a card of the kernel's loop is taken away and given back, as USB does it with one that is unplugged. */
export const CARD = '/sys/bus/platform/drivers/snd_aloop';
export const NETWORK_FILE = '/etc/systemd/network/20-cable.network';
export const SENTENCE_MS = 8_000;
/** A folder: recordings that are not what was said. */
const NOT_WHOLE = 'not-whole';
const PACKET_MS = 60;
/** The script's own questions have small numbers. */
const FIRST_CALL = 1_000;
/** All clocks are the same one; a coder moves a wave within its period. */
const MOST_DRIFT_MS = 5;
/** What the emulator came too late for is done again, so often at the most. */
const TRIES = 3;
/** 10 ms at 16 kHz: more than a wave spends at nought. */
const HOLE = 160;

export type Shown = {
  readonly proof: readonly Line[];
  readonly figures?: Readonly<Record<string, number>>;
};
/** @param act with the journal's length when it begins */
export type Scene = (name: string, act: (stage: Stage, since: number) => Promise<Shown>) => void;

/** Lines of the journal that scenes wait for. */
export const CONNECTED = /: link ready/;
/** Not by a wait that had run out. */
export const BY_NETWORK = /: link ready .*by="the network is back/;
export const OVER = /: turn over/;
export const CARRIER = /: cable: Gained carrier/;
export const NO_CARRIER = /: cable: Lost carrier/;
export const answered = (began: 'click' | 'hold') =>
  new RegExp(`: turn over .*began=${began} .*ended="?answered`);

export class Stage {
  readonly board: Board;
  readonly journal: Journal;
  readonly person: Person;
  /** Answers with what it heard, and keeps it. */
  readonly server: ScriptedServer;
  readonly sentence = utterance(SENTENCE_MS);
  /** How often the emulator has been. */
  late = 0;
  readonly #folder: string;
  #calls = 0;

  private constructor(folder: string, board: Board, journal: Journal, server: ScriptedServer) {
    this.#folder = folder;
    this.board = board;
    this.journal = journal;
    this.server = server;
    this.person = new Person(board, GPIO);
  }

  /** A board with the package on it, its cable pulled. */
  static async open(folder: string, deb: string): Promise<Stage> {
    const board = await startBoard(folder);
    const server = await startScriptedServer(goodConversation(), undefined, HOST);
    const stage = new Stage(folder, board, new Journal(board, join(folder, 'journal.log')), server);
    await board.cable('pull');
    await stage.put(deb, '/root/agent.deb');
    // As it happens now and then: udevd reads what has been unpacked before the package makes the group that its rules name.
    const seen = 'udevadm control --reload';
    await board.get(
      `dpkg --unpack /root/agent.deb && ${seen} && dpkg --configure xiaozhi-agent && usermod -aG xiaozhi maker`,
    );
    const owner = await board.get('stat -c %G /dev/gpiochip0');
    if (owner !== 'gpio') throw new Error(`the GPIO chip belongs to ${owner} after the installation`);
    await board.get(`install -m 640 -g xiaozhi /dev/stdin ${TOKEN_FILE}`, Buffer.from(`${TOKEN}\n`));
    stage.journal.follow();
    return stage;
  }

  async close(): Promise<void> {
    this.journal.stop();
    await this.board.stop();
    await this.server.stop();
  }

  put(file: string, there: string): Promise<string> {
    return this.board.get(`cat >${there}`, readFileSync(file));
  }

  /** What the box's owner has written down; in force when the daemon has been started or told. */
  configure(url: string, more = ''): Promise<string> {
    const lines = [
      `[server]\nwebsocket_url = "${url}"\ntoken_file = "${TOKEN_FILE}"`,
      `[audio.input]\ndevice = "${MICROPHONE}"`,
      `[audio.output]\ndevice = "${LOUDSPEAKER}"`,
      '[turn]\nfollow_up = false',
      '[log]\nlevel = "debug"',
      more,
    ];
    return this.board.get(`cat >${CONFIG}`, Buffer.from(`${lines.join('\n')}\n`));
  }

  /** Until it is connected and has its button. */
  async restarted(): Promise<Line> {
    const since = this.journal.mark();
    await this.board.get(`systemctl restart ${SERVICE}`);
    return this.begun(since);
  }

  /** Of a start: when it was connected; its button may come later. */
  async begun(since: number): Promise<Line> {
    await this.journal.until(/: button taken/, since);
    return this.journal.until(CONNECTED, since);
  }

  /** A command that ends well, as a line of its own: when it was over, by the board's clock. */
  async noted(command: string): Promise<Line> {
    const atS = Number(
      (await this.board.get(`{ ${command}; } >/dev/null && cut -d' ' -f1 /proc/uptime`)).trim(),
    );
    return { atS, text: `here: ${command}` };
  }

  /** As the world was before something went wrong in the middle of a scene. */
  async restore(): Promise<void> {
    await this.board.cable('plug');
    await this.board.get(
      `wires release ${GPIO}; rm -f /etc/held; pkill -f '^gpiomon -c'; kill "$(cat /run/ear 2>/dev/null)" 2>/dev/null; [ -e ${CARD}/snd_aloop.0 ] || echo snd_aloop.0 >${CARD}/bind; true`,
    );
    await this.board.get(
      `sed -i 's/^Address=.*/Address=${BOARD}\\/24/' ${NETWORK_FILE}; networkctl reload; networkctl reconfigure cable`,
    );
    await this.configure(this.server.url);
    await this.restarted();
  }

  /** The packets that the newest session got since its last `listen start`. */
  arrived(): readonly Uint8Array[] {
    const received = this.server.sessions.at(-1)?.received ?? [];
    const from = received.findLastIndex(isListenStart);
    return from < 0 ? [] : received.slice(from).flatMap((one) => (one.kind === 'binary' ? [one.bytes] : []));
  }

  /** Until so much of what is said in the turn after `since` has arrived. */
  async arriving(since: number, speechMs: number): Promise<void> {
    await this.journal.until(/: turn listening/, since);
    await this.arrivingMore(speechMs - this.arrived().length * PACKET_MS);
  }

  /** Than what has arrived by now. */
  async arrivingMore(speechMs: number): Promise<void> {
    const before = this.arrived().length;
    const more = () => (this.arrived().length - before) * PACKET_MS;
    await until(() => more() >= speechMs, `${speechMs} ms of speech`, SAYS_MS);
  }

  understood(): Pcm {
    return heardOf(this.arrived());
  }

  /** The server asks for a tool; what the box answers. */
  async call(name: string, given: JsonObject): Promise<JsonObject> {
    this.#calls += 1;
    const id = FIRST_CALL + this.#calls;
    const session = this.server.sessions.at(-1);
    assert.ok(session);
    const params = { name, arguments: given };
    session.say({ type: 'mcp', payload: { jsonrpc: '2.0', id, method: 'tools/call', params } });
    const payloads = () =>
      session.received.map(messageOf).flatMap((one) => (one?.type === 'mcp' ? [one.payload] : []));
    await until(() => payloads().some((one) => one.id === id), `an answer of ${name}`, SAYS_MS);
    return payloads().find((one) => one.id === id) ?? {};
  }

  /**
   * Nothing of the sentence is missing, doubled or spoilt; a recording of which that cannot be said is kept, by the journal's
   * length.
   */
  assertWhole(heard: Pcm): void {
    const found = likeness(this.sentence, heard);
    const { lostMs, cutMs, putInMs, driftMs, twice, comparedMs } = found;
    const heardMs = heard.length / 2 / (RATE_HZ / 1_000);
    const isAll = lostMs + cutMs + putInMs + twice === 0 && comparedMs > 0.95 * SENTENCE_MS;
    const isWhole = isAll && Math.abs(driftMs) <= MOST_DRIFT_MS;
    if (!isWhole) {
      const kept = join(this.#folder, NOT_WHOLE);
      mkdirSync(kept, { recursive: true });
      writeFileSync(join(kept, `line-${this.journal.mark()}.raw`), heard);
    }
    assert.ok(isWhole, JSON.stringify({ heardMs, ...found }));
  }

  /** The same of what came out of the loudspeaker, but for the silence that a processor that is late leaves in between. */
  assertPlayed(heard: Pcm): void {
    this.assertWhole(withoutHoles(heard));
  }

  /** The finger is down for as long as the sentence takes. */
  async ask(): Promise<Line> {
    const since = this.journal.mark();
    await this.person.holding(() => this.person.speak());
    return this.journal.until(answered('hold'), since);
  }

  askWhole(): Promise<Line> {
    return this.unlessLate(async () => {
      const over = await this.ask();
      this.assertWhole(this.understood());
      return over;
    });
  }

  /** A question, and the whole of its answer out of the loudspeaker. */
  converse(ask: () => Promise<Line>): Promise<Line> {
    return this.unlessLate(async () => {
      await this.person.listen();
      const [asked] = await Promise.allSettled([ask()]);
      const [heard] = await Promise.allSettled([this.person.heard()]);
      // What is wrong with the question is not hidden by what is wrong with the ear.
      if (asked.status === 'rejected') throw asked.reason;
      if (heard.status === 'rejected') throw heard.reason;
      this.assertPlayed(heard.value);
      return asked.value;
    });
  }

  /** It shows nothing of the box, and is done again. */
  async unlessLate<T>(act: () => Promise<T>): Promise<T> {
    for (let left = TRIES - 1; ; left -= 1) {
      try {
        return await act();
      } catch (error) {
        if (!(error instanceof Late) || left === 0) throw error;
        this.late += 1;
        await this.rested();
      }
    }
  }

  /** Until the box says that it is connected and at rest. */
  rested(): Promise<string> {
    return this.board.says('xiaozhi-agent status', /^state\s+idle[\s\S]*^server\s+ready/m);
  }
}

/** A sentence has no moment without a sound; the loop card gives noughts where nothing was written in time. */
function withoutHoles(pcm: Pcm): Pcm {
  const values = samples(pcm);
  const kept: number[] = [];
  for (let from = 0, at = 0; at <= values.length; at += 1) {
    const isSound = values[at] !== 0;
    if (!isSound && at < values.length) continue;
    // What came before this sample: noughts from `from` on, which are sound when they are few.
    if (at - from < HOLE) for (let n = from; n < at; n += 1) kept.push(0);
    if (at < values.length) kept.push(values[at] ?? 0);
    from = at + 1;
  }
  return new Uint8Array(Int16Array.from(kept).buffer);
}

export function seconds(from: Line, to: Line): number {
  return Number((to.atS - from.atS).toFixed(1));
}

/** The project's own server as a process; `port` 0 is a free one. */
export async function parrot(port = 0): Promise<{ url: string; port: number; kill(): Promise<void> }> {
  const child: ChildProcess = spawn(
    process.execPath,
    [MAIN, 'serve', '--host', HOST, '--port', String(port)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  assert.ok(child.stdout);
  for await (const line of createInterface({ input: child.stdout })) {
    const [url, found] = /ws:\/\/[^:\s]+:(\d+)\S*/.exec(line) ?? [];
    if (url === undefined) continue;
    child.stdout.resume();
    const kill = async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    };
    return { url, port: Number(found), kill };
  }
  throw new Error('the server has not begun');
}
