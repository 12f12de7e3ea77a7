// What the owner has set at the box, kept over a restart: volume and mute. Knows the shape of the file and no file.
import type { Prefs } from './core/state.ts';
import type { Cancel, Clock, Store } from './ports.ts';

export const PREFS_FILE = 'prefs.json';

/** Ten steps of a volume button are one write to the SD card. */
const WRITE_AFTER_MS = 2_000;

const KEYS = ['volume', 'muted'] as const;

export class KeptPrefs {
  readonly #store: Store;
  readonly #clock: Clock;
  #waiting: { readonly prefs: Prefs; readonly cancel: Cancel } | null = null;

  constructor({ store, clock }: { store: Store; clock: Clock }) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Of a file that was changed by hand, what of it makes sense. */
  read(): Partial<Prefs> {
    const found = this.#store.read();
    if (found === undefined) return {};
    if (typeof found !== 'object' || found === null || Array.isArray(found)) {
      this.#store.setAside('it holds no object');
      return {};
    }
    const volume = 'volume' in found && isVolume(found.volume) ? { volume: found.volume } : {};
    const muted = 'muted' in found && typeof found.muted === 'boolean' ? { muted: found.muted } : {};
    const sensible = { ...volume, ...muted };
    // A key that is missing is none that is wrong: the file may be of an older version.
    const wrong = KEYS.filter((key) => key in found && !(key in sensible));
    if (wrong.length > 0) this.#store.setAside(`wrong in it: ${wrong.join(', ')}`);
    return sensible;
  }

  changed(prefs: Prefs): void {
    this.#waiting?.cancel();
    const cancel = this.#clock.after(WRITE_AFTER_MS, () => {
      this.#waiting = null;
      this.#store.write(prefs);
    });
    this.#waiting = { prefs, cancel };
  }

  /** The process is about to leave. */
  close(): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.cancel();
    if (waiting !== null) this.#store.writeNow(waiting.prefs);
  }
}

function isVolume(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 100;
}
