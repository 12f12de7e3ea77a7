// Sends the packets of an answer the way real servers do: a few at once, then one as each falls due.
// Knows when, not where to: what is done with a packet, and after the last one, is the caller's.

import type { Cancel, Clock } from '../ports.ts';
import type { TimedPacket } from './ear.ts';

/** The open server's head start: five frames of 60 ms go out together. */
const BURST_PACKETS = 5;
/** The open server says `tts stop` seven frames of 60 ms after the last: when a device has about played it out. */
const STOP_AFTER_MS = 420;

export type AnswerEvents = { packet(packet: Uint8Array): void; finished(): void };

/** The first packets are sent before this returns. After the cancel nothing is reported, `finished` neither. */
export function paceAnswer(packets: readonly TimedPacket[], clock: Clock, on: AnswerEvents): Cancel {
  // An absolute schedule: a timer that fires late is made up for, never added to all that follow.
  let dueMs = clock.now();
  let sent = 0;
  let cancelTimer: Cancel = () => {};

  function sendDue(): void {
    for (let next = packets[sent]; next !== undefined && dueMs <= clock.now(); next = packets[sent]) {
      on.packet(next.packet);
      sent += 1;
      if (sent >= BURST_PACKETS) dueMs += next.durationMs;
    }
    if (sent < packets.length) cancelTimer = clock.after(dueMs - clock.now(), sendDue);
    else cancelTimer = clock.after(STOP_AFTER_MS, on.finished);
  }

  sendDue();
  return () => cancelTimer();
}
