// The sockets that are to exist, by attempt number: opened and closed to match, spoken to in messages and packets; what
// arrives becomes facts. Which of them is current is not decided here.
import { NOT_OPEN, SENT_ON_CLOSED, unread } from './core/ends.ts';
import type { Event, Loss } from './core/events.ts';
import type { Clock, Dialer, DialRequest, Log, Socket } from './ports.ts';
import { decodeServer, encodeDevice, excerpt } from './protocol/codec.ts';
import { type FramingVersion, frame, unframe } from './protocol/framing.ts';
import type { DeviceMessage, JsonObject, ServerMessage } from './protocol/messages.ts';
import { Road } from './road.ts';
import { Toolbox } from './toolbox.ts';

export type Server = Omit<DialRequest, 'headers'> & {
  /** Made anew for each attempt: a token may have been replaced meanwhile. */
  readonly headers: () => DialRequest['headers'];
  readonly framing: FramingVersion;
  /** Who the device says it is when the server asks for its tools. */
  readonly device: { readonly name: string; readonly version: string };
  /** A text of the server without the tokens it may quote; absent: they are no secret here. */
  readonly blanked?: (text: string) => string;
};

/** Messages are some hundred bytes; a server that asks and asks and never reads the answers is not talking to us. */
const STUCK_ABOVE_BYTES = 1024 * 1024;

/** A server that mixes sessions up mixes up the last ones. Victim: the oldest. */
const FORMER_SESSIONS = 8;

/** While frames keep coming the core is told of life this often. */
const LIFE_EVERY_MS = 1_000;

/** Enough for what an unbound box is told; a server that talks on without a hello does not fill the log. */
const MOST_SENTENCES = 8;

type Connection = {
  readonly socket: Socket;
  readonly framing: FramingVersion;
  sessionId: string | undefined;
  isGreeted: boolean;
  /** How many sentences came before the hello. */
  sentences: number;
  readonly road: Road;
  reportedAt: number;
};

export class Connections {
  readonly #dialer: Dialer;
  readonly #server: () => Server;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #dispatch: (event: Event) => void;
  readonly #speech: (attempt: number, packet: Uint8Array) => void;
  readonly #tools: Pick<Toolbox, 'take'>;
  readonly #said: (message: ServerMessage) => void;
  readonly #open = new Map<number, Connection>();
  #formerSessions: readonly string[] = [];
  #marks = 0;
  readonly counts = { textsIn: 0, textsOut: 0, packetsIn: 0, packetsOut: 0, faultsIn: 0 };

  constructor(parts: {
    dialer: Dialer;
    /** As it is at the time of an attempt: it may be configured anew. */
    server: () => Server;
    clock: Clock;
    log: Log;
    dispatch: (event: Event) => void;
    speech: (attempt: number, packet: Uint8Array) => void;
    /** Every message, those that need no deciding included. */
    said?: (message: ServerMessage) => void;
    /** What a server may ask the device to do; without them, nothing. */
    tools?: Pick<Toolbox, 'take'>;
  }) {
    this.#dialer = parts.dialer;
    this.#server = parts.server;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#dispatch = parts.dispatch;
    this.#speech = parts.speech;
    this.#tools = parts.tools ?? new Toolbox({ tools: [], clock: parts.clock, log: parts.log });
    this.#said = parts.said ?? (() => undefined);
  }

  /** Makes it so: dials what is missing, ends what is no longer wanted. */
  match(attempts: readonly number[], parting: 'polite' | 'abrupt'): void {
    for (const [attempt, { socket, sessionId }] of this.#open) {
      if (attempts.includes(attempt)) continue;
      this.#forget(sessionId);
      this.#open.delete(attempt);
      if (parting === 'polite') socket.close();
      else socket.terminate();
    }
    for (const attempt of attempts) if (!this.#open.has(attempt)) this.#dial(attempt);
  }

  /** Whether it went out. A hello says how this connection is framed. What keeps it from going is an end of the connection, and reported as one. */
  say(attempt: number, message: DeviceMessage): boolean {
    const connection = this.#open.get(attempt);
    if (connection === undefined) return false;
    const { road } = connection;
    const stuck = road.holdsMoreThan(STUCK_ABOVE_BYTES);
    const told = message.type === 'hello' ? { ...message, version: connection.framing } : message;
    const sent = !stuck && connection.socket.sendText(encodeDevice(told, connection.sessionId));
    if (sent) this.counts.textsOut += 1;
    else this.#lose(attempt, stuck ? unread(road.underWayBytes) : SENT_ON_CLOSED);
    return sent;
  }

  /** `busy`: the network does not take it at present, or the connection has gone. */
  offer(attempt: number, packet: Uint8Array): 'taken' | 'busy' {
    const connection = this.#open.get(attempt);
    if (connection === undefined) return 'busy';
    if (connection.road.isFull) return 'busy';
    if (!connection.socket.sendBinary(frame(connection.framing, packet))) {
      this.#lose(attempt, SENT_ON_CLOSED);
      return 'busy';
    }
    this.counts.packetsOut += 1;
    return 'taken';
  }

  /** Bytes that were sent and are not known to have arrived. */
  underWay(attempt: number): number {
    return this.#open.get(attempt)?.road.underWayBytes ?? 0;
  }

  /** Tells when what is ahead of a ping has got on. Not from within `offer`: what follows may offer again. */
  look(attempt: number): void {
    if (this.#open.get(attempt)?.road.getsOn()) this.#dispatch({ type: 'socket.moved', attempt });
  }

  ping(attempt: number): void {
    const connection = this.#open.get(attempt);
    if (connection === undefined) return;
    this.#marks += 1;
    connection.road.pings(this.#marks);
    if (!connection.socket.ping(this.#marks)) this.#lose(attempt, SENT_ON_CLOSED);
  }

  /** The second line of defence: a socket that has ended without a report is found. */
  check(attempt: number): void {
    if (this.#open.get(attempt)?.socket.isOpen === false) this.#lose(attempt, NOT_OPEN);
  }

  #dial(attempt: number): void {
    const server = this.#server();
    const request = { ...server, headers: server.headers() };
    const socket = this.#dialer.dial(request, {
      reached: ({ local }) => this.#report(attempt, { type: 'socket.reached', attempt, local }),
      opened: () => this.#report(attempt, { type: 'socket.opened', attempt }),
      text: (text) => this.#heard(attempt, text),
      binary: (bytes) => this.#received(attempt, bytes),
      ponged: (mark) => this.#alive(attempt, mark),
      pinged: () => this.#alive(attempt),
      closed: (loss) => this.#lose(attempt, loss),
    });
    this.#open.set(attempt, {
      socket,
      framing: server.framing,
      sessionId: undefined,
      isGreeted: false,
      sentences: 0,
      road: new Road(socket, this.#clock),
      reportedAt: Number.NEGATIVE_INFINITY,
    });
  }

  #lose(attempt: number, loss: Loss): void {
    const told = { ...loss, reason: this.#blanked(loss.reason) };
    this.#report(attempt, { type: 'socket.closed', attempt, loss: told });
  }

  /** Any frame is life. */
  #alive(attempt: number, mark?: number): void {
    const connection = this.#open.get(attempt);
    if (connection === undefined) return;
    const now = this.#clock.now();
    const { road, reportedAt } = connection;
    const isAwaited = road.awaitsPong;
    const rttMs = road.answers(mark);
    if (!isAwaited && rttMs === null && now - reportedAt < LIFE_EVERY_MS) return;
    connection.reportedAt = now;
    this.#dispatch({ type: 'socket.heard', attempt, rttMs });
  }

  /** A connection that was given up may still report: nobody wants to know. */
  #report(attempt: number, event: Event): void {
    if (this.#open.has(attempt)) this.#dispatch(event);
  }

  #heard(attempt: number, text: string): void {
    const connection = this.#open.get(attempt);
    if (connection === undefined) return;
    this.#alive(attempt);
    this.counts.textsIn += 1;
    const decoded = decodeServer(text);
    if (decoded.ok && this.#isOfAnother(connection, decoded.sessionId)) return;
    if (decoded.ok) return this.#told(attempt, connection, decoded.message);
    this.counts.faultsIn += 1;
    this.#log.debug({ attempt, ...decoded.fault }, 'a text that is no message');
    if (decoded.fault.kind === 'not-json')
      this.#dispatch({ type: 'server.muttered', attempt, text: excerpt(this.#blanked(text)) });
  }

  /** Servers leave the session out, or repeat one: only a session that was another connection's is known to be stale. */
  #isOfAnother(connection: Connection, sessionId: string | undefined): boolean {
    if (sessionId === undefined || sessionId === connection.sessionId) return false;
    if (connection.sessionId === undefined || !this.#formerSessions.includes(sessionId)) return false;
    this.#log.debug({ sessionId: excerpt(sessionId) }, 'a message of a session that is over');
    return true;
  }

  #greet(connection: Connection, sessionId: string | undefined): void {
    const former = connection.sessionId;
    if (former !== undefined && former !== sessionId) this.#forget(former);
    connection.sessionId = sessionId;
    connection.isGreeted = true;
  }

  #forget(sessionId: string | undefined): void {
    if (sessionId === undefined || sessionId === '') return;
    this.#formerSessions = [sessionId, ...this.#formerSessions.filter((one) => one !== sessionId)].slice(
      0,
      FORMER_SESSIONS,
    );
  }

  #told(attempt: number, connection: Connection, message: ServerMessage): void {
    this.#said(message);
    switch (message.type) {
      case 'hello':
        this.#greet(connection, message.sessionId);
        break;
      case 'mcp': {
        // In any state, the hello included: a server may ask before it has greeted. The reply goes where the question
        // came from; when that is gone nobody waits for it.
        const reply = (payload: JsonObject) => void this.say(attempt, { type: 'mcp', payload });
        this.#tools.take(message.payload, this.#server().device, reply);
        return;
      }
      case 'alert':
      case 'error':
        this.#log.warn({ attempt, ...message }, 'the server reports trouble');
        break;
      case 'system':
        this.#log.warn({ attempt, command: message.command }, 'a command of the server is not carried out');
        break;
      default:
        this.#log[this.#isInsteadOfHello(connection, message) ? 'info' : 'debug'](
          { attempt, ...message },
          'server said',
        );
    }
    this.#dispatch({ type: 'server.said', attempt, message: this.#tellable(message) });
  }

  /** What a server says may become the reason of an end, or of there being no conversation, which people read. */
  #tellable(message: ServerMessage): ServerMessage {
    if (message.type === 'error' && message.message !== undefined)
      return { ...message, message: excerpt(this.#blanked(message.message)) };
    if (message.type === 'hello') return { ...message, transport: this.#blanked(message.transport) };
    if ('text' in message && message.text !== undefined)
      return { ...message, text: this.#blanked(message.text) };
    return message;
  }

  #blanked(text: string): string {
    return this.#server().blanked?.(text) ?? text;
  }

  /** What a server has to tell a box that it does not greet is why there is no conversation. */
  #isInsteadOfHello(connection: Connection, message: ServerMessage): boolean {
    if (connection.isGreeted || !('text' in message) || message.text === undefined) return false;
    connection.sentences += 1;
    return connection.sentences <= MOST_SENTENCES;
  }

  #received(attempt: number, bytes: Uint8Array): void {
    const connection = this.#open.get(attempt);
    if (connection === undefined) return;
    this.#alive(attempt);
    this.counts.packetsIn += 1;
    const unframed = unframe(connection.framing, bytes);
    if (!unframed.ok) {
      this.counts.faultsIn += 1;
      this.#log.debug({ attempt, ...unframed.fault }, 'a frame that is none');
      return;
    }
    if (unframed.kind === 'opus') this.#speech(attempt, unframed.payload);
    else this.#heard(attempt, new TextDecoder().decode(unframed.payload));
  }
}
