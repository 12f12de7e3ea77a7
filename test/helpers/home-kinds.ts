// In what the kinds of server that a box may come home to differ for it (protocol.md §1, §2, §3.8, §8), as data. What is made of
// it is in homes.ts.

export const KINDS = ['official', 'python console', 'python alone', 'go one', 'go two', 'java'] as const;
export type HomeKind = (typeof KINDS)[number];

/** How the refusal of an old token looks; the two that never look at one just go down and come up again. */
type Refusal = 'silence' | 'plain words' | 401 | 'none';

export type Traits = {
  readonly path: string;
  readonly activates: boolean;
  readonly refusal: Refusal;
  /**
   * What an unbound device that connects all the same is told: without a greeting, in words and aloud; or aloud only, after
   * a greeting, in answer to whatever it says.
   */
  readonly unbound: 'nothing' | 'instead of a hello' | 'instead of an answer';
  readonly rateHz: 16_000 | 24_000;
  /** A spoken goodbye or none, and then a close frame or none. */
  readonly idleEnd: 'goodbye' | 'cut' | 'goodbye, cut';
  /** How it confirms that it was interrupted. */
  readonly interrupted: 'stop' | 'stop twice' | 'abort';
  /** What was said before it knew the device is lost, its first hello included. */
  readonly gate: 'open' | 'slow';
};

export const TRAITS: Readonly<Record<HomeKind, Traits>> = {
  official: {
    path: '/xiaozhi/ota/',
    activates: true,
    refusal: 'silence',
    unbound: 'nothing',
    rateHz: 24_000,
    idleEnd: 'goodbye',
    interrupted: 'stop',
    gate: 'open',
  },
  'python console': {
    path: '/xiaozhi/ota/',
    activates: true,
    refusal: 'plain words',
    unbound: 'instead of a hello',
    rateHz: 24_000,
    idleEnd: 'goodbye',
    interrupted: 'stop twice',
    gate: 'slow',
  },
  'python alone': {
    path: '/xiaozhi/ota/',
    activates: false,
    refusal: 'plain words',
    unbound: 'nothing',
    rateHz: 24_000,
    idleEnd: 'goodbye',
    interrupted: 'stop twice',
    gate: 'open',
  },
  'go one': {
    path: '/xiaozhi/ota/',
    activates: false,
    refusal: 401,
    unbound: 'nothing',
    rateHz: 16_000,
    idleEnd: 'cut',
    interrupted: 'abort',
    gate: 'open',
  },
  'go two': {
    path: '/api/ota/',
    activates: false,
    refusal: 'none',
    unbound: 'nothing',
    rateHz: 24_000,
    idleEnd: 'goodbye, cut',
    interrupted: 'stop',
    gate: 'open',
  },
  java: {
    path: '/api/device/ota',
    activates: true,
    refusal: 'none',
    unbound: 'instead of an answer',
    rateHz: 16_000,
    idleEnd: 'goodbye',
    interrupted: 'stop',
    gate: 'open',
  },
};
