// How loud speech is, as the owner has set it: steps and bounds. Pure; knows no card and no samples.
import type { Event } from './events.ts';

/** A press of a button that repeats itself some times a second; twenty of them are the whole way. */
const STEP = 5;

export function volumeAfter(volume: number, event: Event): number {
  const wanted = wantedAfter(volume, event);
  return Math.min(100, Math.max(0, Math.round(wanted)));
}

function wantedAfter(volume: number, event: Event): number {
  if (event.type === 'volume.stepped') return volume + event.by * STEP;
  if (event.type !== 'volume.asked') return volume;
  return 'to' in event ? event.to : volume + event.by;
}
