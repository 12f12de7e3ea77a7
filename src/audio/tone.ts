// A plain tone to test a loudspeaker with. Pure; knows no device.
import type { Pcm } from '../ports.ts';

/** A quarter of full scale: as loud as speech is on average, harmless at any volume. */
const PEAK = 8_192;
/** No click at either end. */
const EDGE_MS = 10;

export function tonePcm(hz: number, durationMs: number, rateHz: number): Pcm {
  const count = Math.round((durationMs * rateHz) / 1_000);
  const edge = (EDGE_MS * rateHz) / 1_000;
  const view = new DataView(new ArrayBuffer(count * 2));
  for (let n = 0; n < count; n += 1) {
    const fade = Math.min(1, n / edge, (count - 1 - n) / edge);
    view.setInt16(n * 2, Math.round(PEAK * fade * Math.sin((2 * Math.PI * hz * n) / rateHz)), true);
  }
  return new Uint8Array(view.buffer);
}
