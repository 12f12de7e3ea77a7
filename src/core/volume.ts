// How loud speech is, as the owner has set it: steps and bounds. Pure; knows no card and no samples.
import type { Event } from './events.ts';

export function volumeAfter(volume: number, event: Event): number {
  if (event.type !== 'volume.asked') return volume;
  const wanted = 'to' in event ? event.to : volume + event.by;
  return Math.min(100, Math.max(0, Math.round(wanted)));
}
