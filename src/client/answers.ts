// What `connect()` and `disconnect()` have promised, and when it has come true. Watches the states go by; decides
// nothing.
import type { Event } from '../core/events.ts';
import type { State } from '../core/state.ts';

type Asked = { readonly type: 'connect.asked' } | { readonly type: 'disconnect.asked'; readonly why: string };

/** One promise for each call: callers bound their number, and the attempt's own deadlines their time. */
export class Answers {
  readonly #dispatch: (event: Asked) => void;
  readonly #gone: () => Promise<void>;
  /** Asked in a listener, an event waits its turn: what happens before it is not its answer. */
  readonly #connects = new Map<Event, (connected: boolean) => void>();
  readonly #disconnects = new Map<Event, () => void>();
  #trying: readonly ((connected: boolean) => void)[] = [];

  constructor(parts: { dispatch: (event: Asked) => void; gone: () => Promise<void> }) {
    this.#dispatch = parts.dispatch;
    this.#gone = parts.gone;
  }

  connect(): Promise<boolean> {
    const asked = { type: 'connect.asked' } as const;
    return new Promise((resolve) => {
      this.#connects.set(asked, resolve);
      this.#dispatch(asked);
    });
  }

  disconnect(why: string): Promise<void> {
    const asked = { type: 'disconnect.asked', why } as const;
    return new Promise((resolve) => {
      this.#disconnects.set(asked, resolve);
      this.#dispatch(asked);
    });
  }

  observe({ link }: State, event: Event): void {
    const left = this.#disconnects.get(event);
    if (left !== undefined) void this.#gone().then(left);
    this.#disconnects.delete(event);
    const tried = this.#connects.get(event);
    if (tried !== undefined) this.#trying = [...this.#trying, tried];
    this.#connects.delete(event);
    if (link.phase === 'dialing' || link.phase === 'greeting') return;
    const settled = this.#trying;
    this.#trying = [];
    for (const settle of settled) settle(link.phase === 'ready');
  }
}
