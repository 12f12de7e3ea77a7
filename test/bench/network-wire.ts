// What the server of the network bench tells the bench, and the clock by which both of them tell the time. Knows neither.

export type Heard = {
  /** The hello or the ping of a box. */
  readonly told: 'hello' | 'pinged';
  /** The box's address as the server sees it. */
  readonly from: string;
  /** When it had come, by `sharedNowMs`. */
  readonly atMs: number;
};

export type Told = Heard | { readonly told: 'listening'; readonly port: number };

const NS_PER_MS = 1e6;

/** CLOCK_MONOTONIC: every process of this machine reads the same one, in whichever network namespace it is. */
export function sharedNowMs(): number {
  return Number(process.hrtime.bigint()) / NS_PER_MS;
}
