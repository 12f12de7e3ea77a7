// The connection alone, for programs that bring their own sound: connect, disconnect, a switch for reconnecting, and
// events. Builds the daemon's loop around the real socket and clock; decides nothing itself and keeps no state but
// figures. Must not know sound, configuration files or the process.
import { clock as systemClock } from './adapters/linux/clock.ts';
import { clockSync } from './adapters/linux/clock-sync.ts';
import { wsDialer } from './adapters/linux/ws-socket.ts';
import { Answers } from './client/answers.ts';
import { OpenSockets } from './client/open-sockets.ts';
import {
  ADDRESS_RULE,
  attemptsOf,
  type ClientOptions,
  LIMITS,
  policyOf,
  SILENT,
  serverOf,
} from './client/options.ts';
import { ClientError, type ClientEvent, type Listener, Signals } from './client/signals.ts';
import { type ClientStatus, statusOf } from './client/status.ts';
import type { Event } from './core/events.ts';
import { currentOf, type Link } from './core/link.ts';
import type { State } from './core/state.ts';
import { History } from './history/history.ts';
import { Loop } from './loop.ts';
import type { Clock, Dialer, Log, Loss } from './ports.ts';
import type { DeviceMessage } from './protocol/messages.ts';

export type { ClientOptions, Timings } from './client/options.ts';
export {
  ClientError,
  type ClientEvent,
  type ClientEvents,
  type ErrorReason,
  type Listener,
} from './client/signals.ts';
export type { ClientStatus } from './client/status.ts';
export type { Log, Loss } from './ports.ts';
export type { DeviceMessage, ServerMessage } from './protocol/messages.ts';

const DISCONNECTED = 'disconnect() was called';

export class XiaozhiClient {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #signals: Signals;
  readonly #history: History;
  readonly #loop: Loop;
  readonly #answers: Answers;
  /** The attempt that had made the connection that was lost last. */
  #lostAttempt = 0;

  /** @param world time and wire, where they are not to be the real ones */
  constructor(options: ClientOptions, world: { readonly clock?: Clock; readonly dialer?: Dialer } = {}) {
    const { log = SILENT } = options;
    const { clock = systemClock, dialer = wsDialer({ clock }) } = world;
    const policy = policyOf(options);
    const sockets = new OpenSockets(dialer, clock);
    this.#clock = clock;
    this.#log = log;
    this.#signals = new Signals(log);
    this.#history = new History({ clock, log });
    const server = serverOf(options, policy.link.connectTimeoutMs);
    this.#loop = new Loop({
      policy,
      server: () => server,
      clock,
      log,
      dialer: sockets,
      clockSync: clockSync({ clock }),
      on: {
        held() {},
        cue() {},
        stepped: (before, after, event) => this.#stepped(before, after, event),
        speech: (attempt, packet) => {
          if (attempt === currentOf(this.#loop.state.link)) this.#signals.tell('audio', packet);
        },
        said: (message) => {
          if (message.type !== 'hello') this.#signals.tell('message', message);
        },
      },
    });
    this.#answers = new Answers({
      dispatch: (event) => this.#loop.dispatch(event),
      gone: () => sockets.gone(),
    });
  }

  /** True at the server's hello; false when this attempt failed. Those that may follow are told of by events. */
  connect(): Promise<boolean> {
    if (this.#loop.state.link.phase !== 'unconfigured') return this.#answers.connect();
    this.#fail(new ClientError('wrong address', ADDRESS_RULE));
    return Promise.resolve(false);
  }

  /** For good, until `connect()` is called again. Resolves when the socket is gone, after 2 s at the most. */
  disconnect(): Promise<void> {
    return this.#answers.disconnect(DISCONNECTED);
  }

  /** Whether a lost connection is made again, and after how many failures in a row no more; 0: no limit of its own. */
  enableAutoReconnect(enabled: boolean = true, maxAttempts: number = LIMITS.switch): void {
    attemptsOf(maxAttempts);
    this.#loop.dispatch({ type: 'reconnect.switched', enabled, maxAttempts });
  }

  status(): ClientStatus {
    const { state, connections } = this.#loop;
    return statusOf(state, this.#history, connections.counts, this.#clock);
  }

  /** Whether it went out; it does between the server's hello and the end of the connection. */
  send(message: DeviceMessage): boolean {
    const { connections, state } = this.#loop;
    const current = currentOf(state.link);
    return current !== null && connections.say(current, message);
  }

  /** One Opus packet. False without a connection, and while the network does not take what was given before. */
  sendAudio(packet: Uint8Array): boolean {
    const { connections, state } = this.#loop;
    const current = currentOf(state.link);
    return current !== null && connections.offer(current, packet) === 'taken';
  }

  on<E extends ClientEvent>(name: E, listener: Listener<E>): this {
    this.#signals.on(name, listener);
    return this;
  }

  once<E extends ClientEvent>(name: E, listener: Listener<E>): this {
    this.#signals.once(name, listener);
    return this;
  }

  off<E extends ClientEvent>(name: E, listener: Listener<E>): this {
    this.#signals.off(name, listener);
    return this;
  }

  /** Sockets are closed and timers set by now: listeners see the world as it is, and what they ask for comes next. */
  #stepped(before: State, after: State, event: Event): void {
    const unrecovered = this.#history.lastLoss?.recoveredAfterMs === null;
    this.#history.observe(before, after, event);
    if (before.link.phase === 'ready') this.#lostAttempt = before.link.current;
    if (before.link.phase !== after.link.phase) this.#tell(before.link, after, event, unrecovered);
    this.#answers.observe(after, event);
  }

  #tell(before: Link, { link, limits }: State, event: Event, unrecovered: boolean): void {
    if (link.phase === 'greeting') this.#signals.tell('connected');
    if (link.phase === 'ready') this.#signals.tell('authenticated', { sessionId: sessionOf(event) });
    const outageMs = this.#history.lastLoss?.recoveredAfterMs ?? null;
    if (link.phase === 'ready' && unrecovered && outageMs !== null)
      this.#signals.tell('reconnected', { outageMs, attempts: link.current - this.#lostAttempt });
    if (isUp(before) && !isUp(link)) this.#signals.tell('disconnected', endOf(link));
    if (link.phase !== 'stopped') return;
    if (limits.enabled)
      return this.#fail(new ClientError('limit reached', `${link.why}: ${link.loss.reason}`, link.loss));
    // Whoever has switched it off knows.
    if (event.type === 'reconnect.switched') return;
    const reason = before.phase === 'ready' ? 'connection lost' : 'attempt failed';
    this.#fail(new ClientError(reason, `${reason}, ${link.why}: ${link.loss.reason}`, link.loss));
  }

  #fail(error: ClientError): void {
    this.#log.error({ reason: error.reason, loss: error.loss?.reason }, error.message);
    this.#signals.tell('error', error);
  }
}

function isUp(link: Link): boolean {
  return link.phase === 'greeting' || link.phase === 'ready';
}

function sessionOf(event: Event): string | null {
  return event.type === 'server.said' && event.message.type === 'hello'
    ? (event.message.sessionId ?? null)
    : null;
}

function endOf(link: Link): Loss {
  if ('loss' in link && link.loss !== null) return link.loss;
  const reason = 'why' in link ? link.why : `link ${link.phase}`;
  return { class: 'normal', kind: 'normal close', reason, detectedBy: 'disconnect', quick: false };
}
