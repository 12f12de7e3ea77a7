// Everything on the box that a finger can move, as facts for the core: the button, and the keys beside it. Knows roles and
// lines; with what a line is read, it does not know.
import type { Line, LineStatus } from './button/line.ts';
import { repeating } from './button/repeat.ts';
import type { Event } from './core/events.ts';
import type { Cancel, Clock, Log } from './ports.ts';

export type Role = 'button' | 'volume up' | 'volume down' | 'stop' | 'mute key' | 'mute switch';

export type PanelLine = { readonly role: Role; readonly line: Line };

/** What somebody who tests the button is shown. */
export type Edge = { readonly role: Role; readonly edge: 'pressed' | 'released'; readonly atMs: number };

export type PanelParts = {
  readonly lines: readonly PanelLine[];
  readonly clock: Clock;
  readonly log: Log;
  readonly dispatch: (event: Event) => void;
};

export class Panel {
  readonly #parts: PanelParts;
  readonly #watchers = new Set<(edge: Edge) => void>();
  #stopRepeating: readonly Cancel[] = [];

  constructor(parts: PanelParts) {
    this.#parts = parts;
  }

  start(): void {
    const { lines, clock } = this.#parts;
    for (const { role, line } of lines) {
      const { pressed, released } = this.#meaning(role);
      const tell = (edge: Edge['edge']) => {
        for (const watcher of this.#watchers) watcher({ role, edge, atMs: clock.now() });
      };
      line.start({
        pressed() {
          pressed();
          tell('pressed');
        },
        released() {
          released();
          tell('released');
        },
      });
    }
  }

  stop(): void {
    for (const { line } of this.#parts.lines) line.stop();
    for (const stop of this.#stopRepeating) stop();
    this.#stopRepeating = [];
  }

  /** Hears every edge until cancelled. */
  watch(watcher: (edge: Edge) => void): Cancel {
    this.#watchers.add(watcher);
    this.#parts.log.info({ watchers: this.#watchers.size }, 'somebody watches the button');
    return () => this.#watchers.delete(watcher);
  }

  status(): readonly (LineStatus & { readonly role: Role })[] {
    return this.#parts.lines.map(({ role, line }) => ({ role, ...line.status() }));
  }

  #meaning(role: Role): { pressed(): void; released(): void } {
    const { dispatch } = this.#parts;
    const fact = (event: Event) => () => dispatch(event);
    switch (role) {
      case 'button':
        return { pressed: fact({ type: 'button.pressed' }), released: fact({ type: 'button.released' }) };
      case 'volume up':
        return this.#repeating({ type: 'volume.stepped', by: 1 });
      case 'volume down':
        return this.#repeating({ type: 'volume.stepped', by: -1 });
      case 'stop':
        return { pressed: fact({ type: 'stop.asked' }), released() {} };
      case 'mute key':
        return { pressed: fact({ type: 'mute.asked', muted: 'toggle' }), released() {} };
      case 'mute switch':
        return {
          pressed: fact({ type: 'mute.switched', muted: true }),
          released: fact({ type: 'mute.switched', muted: false }),
        };
    }
  }

  #repeating(event: Event) {
    const key = repeating(this.#parts.clock, () => this.#parts.dispatch(event));
    this.#stopRepeating = [...this.#stopRepeating, key.stop];
    return key;
  }
}
