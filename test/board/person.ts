// Somebody beside the board: presses its button by drawing the wire to ground, speaks into the loop card's microphone and hears
// what comes out of its loudspeaker. All of it happens on the board, in its own time. Knows nothing of the agent.
import type { Pcm } from '../../src/ports.ts';
import type { Board } from './machine.ts';

export const [MICROPHONE, LOUDSPEAKER] = ['plughw:Loopback,1,0', 'plughw:Loopback,0,1'];
const [MOUTH, EAR] = ['plughw:Loopback,0,0', 'plughw:Loopback,1,1'];
const RECORDER = '/proc/asound/Loopback/pcm1c/sub0/status';
export const RATE_HZ = 16_000;
/** What the kernel's loop can hold: an emulated processor comes late. */
const RAW = `-t raw -f S16_LE -r ${RATE_HZ} -c 1 --buffer-time=2000000`;
const [SAID, HEARD] = ['/run/said.raw', '/run/heard.raw'];

/** The emulated processor came too late for mouth or ear: of what was said or heard then, nothing can be told. */
export class Late extends Error {}

export class Person {
  readonly #board: Board;
  readonly #gpio: number;

  constructor(board: Board, gpio: number) {
    this.#board = board;
    this.#gpio = gpio;
  }

  /** What `speak` will say. */
  async learn(speech: Pcm): Promise<void> {
    await this.#board.get(`cat >${SAID}`, speech);
  }

  press(): Promise<string> {
    return this.#board.get(`wires press ${this.#gpio}`);
  }

  release(): Promise<string> {
    return this.#board.get(`wires release ${this.#gpio}`);
  }

  click(): Promise<string> {
    return this.#board.get(`wires click ${this.#gpio}`);
  }

  /** As soon as there is somebody who listens, for whom a cue has to have been heard; resolves when it is said. */
  async speak(): Promise<void> {
    const listening = `until grep -qs RUNNING ${RECORDER}; do sleep 0.05; done`;
    const told = await this.#board.get(
      `timeout 60 sh -c '${listening}' && aplay -q -D ${MOUTH} ${RAW} ${SAID} 2>&1`,
    );
    inTime('mouth', told);
  }

  /** The finger is down meanwhile, and up after it whatever has come of it. */
  async holding<T>(act: () => Promise<T>): Promise<T> {
    await this.press();
    try {
      return await act();
    } finally {
      await this.release();
    }
  }

  /** From now on, until `heard`. */
  async listen(): Promise<void> {
    await this.#board.get(
      `rm -f ${HEARD}; arecord -q -D ${EAR} ${RAW} ${HEARD} >/run/ear.log 2>&1 & echo $! >/run/ear; until test -s ${HEARD}; do sleep 0.05; done`,
    );
  }

  async heard(): Promise<Pcm> {
    await this.#board.get(
      'kill "$(cat /run/ear)"; while kill -0 "$(cat /run/ear)" 2>/dev/null; do sleep 0.05; done',
    );
    inTime('ear', await this.#board.get('cat /run/ear.log'));
    const sound = await this.#board.bytes(`cat ${HEARD}; rm ${HEARD}`);
    return Uint8Array.from(sound);
  }
}

/** ALSA's programs say so when the other side of their buffer has caught up with them. */
function inTime(who: string, told: string): void {
  const late = /^(under|over)run!!!.*$/m.exec(told);
  if (late !== null) throw new Late(`the emulator is too busy, its ${who} had an ${late[0]}`);
}
