// Lines to a file descriptor: in order, whole, and without ever throwing or waiting for a slow reader while the agent
// works. Knows nothing of records.

export type LineOutput = {
  write(line: string): void;
  /** Tries for a short while to get rid of what waits; for the end of the process. */
  flush(): void;
  /** How many lines were dropped since the last call; 0 while lines still wait. */
  takeLost(): number;
};

type Destination = {
  /** Writes some of the bytes and returns how many; throws what `fs.writeSync` throws. */
  readonly writeSome: (bytes: Uint8Array) => number;
  /** Blocks for that long. */
  readonly pause: (pauseMs: number) => void;
};

// About a thousand lines: the story of a reconnect fits, and a blocked journal costs the board nothing that matters.
const MOST_WAITING_BYTES = 128 * 1024;
// Together 200 ms: as long as an exit may be delayed for the sake of its last words (systemd allows 5 s in all).
const FLUSH_TRIES = 20;
const FLUSH_PAUSE_MS = 10;

export function lineOutput({ writeSome, pause }: Destination): LineOutput {
  // Lines that wait, the first perhaps half written. The victim is the newest: the oldest tell how it began.
  const waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let lost = 0;
  let gone = false;

  function drain(): void {
    for (let head = waiting[0]; head !== undefined && !gone; head = waiting[0]) {
      let written = 0;
      try {
        written = writeSome(head);
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? error.code : undefined;
        if (code === 'EAGAIN' || code === 'EINTR') return;
        // A pipe without a reader never gets one again, and a closed descriptor may become someone else's file.
        gone = code === 'EPIPE' || code === 'EBADF';
        // Anything else (a full disk) may pass: this line is lost, the next is tried.
        written = head.length;
        lost += 1;
      }
      waitingBytes -= written;
      if (written < head.length) waiting[0] = head.subarray(written);
      else waiting.shift();
    }
  }

  return {
    write(line) {
      if (gone) return;
      const bytes = Buffer.from(`${line}\n`);
      if (waitingBytes + bytes.length > MOST_WAITING_BYTES) drain();
      if (waitingBytes + bytes.length > MOST_WAITING_BYTES) {
        lost += 1;
        return;
      }
      waiting.push(bytes);
      waitingBytes += bytes.length;
      drain();
    },
    flush() {
      drain();
      for (let tries = 0; waiting.length > 0 && !gone && tries < FLUSH_TRIES; tries += 1) {
        pause(FLUSH_PAUSE_MS);
        drain();
      }
    },
    takeLost() {
      if (waiting.length > 0) drain();
      if (waiting.length > 0) return 0;
      const count = lost;
      lost = 0;
      return count;
    },
  };
}
