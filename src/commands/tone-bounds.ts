// What may be asked of a test tone: by the command and, once more, by whoever plays it.

export const TONE = {
  /** What small loudspeakers have and ears hear; 440 is what everybody expects. */
  hz: { least: 50, most: 8_000, usual: 440 },
  /** Long enough to walk to the box. */
  ms: { least: 50, most: 10_000, usual: 1_000 },
} as const;
