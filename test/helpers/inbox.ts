// What arrived at one end of a connection, in order, and a way to wait for what is still to come. Used by both
// hand-made ends of the wire (scripted-server.ts, raw-device.ts); knows nothing of sockets.

/** The other end, or this one, closed: nothing more will come. Scripts may end by it, it is no failure. */
export class Gone extends Error {}

/** Generous: a loaded machine must not fail a test, and a passing test never waits this long. */
const DEADLINE_MS = 10_000;

/** More than an hour's turn of packets would be a runaway test. Victim: the oldest. */
const KEPT = 50_000;

export class Inbox<T> {
  readonly #all: T[] = [];
  readonly #waiting = new Set<() => void>();
  #read = 0;
  #gone: Gone | undefined;

  /** Everything that came, read or not. */
  get all(): readonly T[] {
    return this.#all;
  }

  push(item: T): void {
    this.#all.push(item);
    if (this.#all.length > KEPT) {
      this.#all.shift();
      this.#read = Math.max(0, this.#read - 1);
    }
    this.#wake();
  }

  end(why: string): void {
    this.#gone ??= new Gone(why);
    this.#wake();
  }

  /** The first unread item that is wanted; those before it count as read. `Infinity` waits as long as it takes. */
  next<U extends T>(want: (item: T) => item is U, what: string, deadlineMs?: number): Promise<U>;
  next(want: (item: T) => boolean, what: string, deadlineMs?: number): Promise<T>;
  async next(want: (item: T) => boolean, what: string, deadlineMs: number = DEADLINE_MS): Promise<T> {
    const found = await this.nextUnless(want, (callback) => {
      if (!Number.isFinite(deadlineMs)) return () => {};
      const timer = setTimeout(callback, deadlineMs);
      return () => clearTimeout(timer);
    });
    if (found !== undefined) return found;
    throw new Error(`${what} did not come within ${deadlineMs} ms; ${this.#all.length} items did`);
  }

  /** As `next`, but it gives up quietly when `giveUp` calls back, and then reads nothing. */
  nextUnless(
    want: (item: T) => boolean,
    giveUp: (callback: () => void) => () => void,
  ): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.#take(want);
        if (found === undefined && this.#gone === undefined) return;
        this.#waiting.delete(look);
        cancel();
        if (found !== undefined) resolve(found);
        else reject(this.#gone ?? new Gone('ended'));
      };
      const cancel = giveUp(() => {
        this.#waiting.delete(look);
        resolve(undefined);
      });
      this.#waiting.add(look);
      look();
    });
  }

  #take(want: (item: T) => boolean): T | undefined {
    for (let at = this.#read; at < this.#all.length; at += 1) {
      const item = this.#all[at];
      if (item !== undefined && want(item)) {
        this.#read = at + 1;
        return item;
      }
    }
    return undefined;
  }

  #wake(): void {
    for (const look of [...this.#waiting]) look();
  }
}
