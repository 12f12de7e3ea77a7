// Ends of a connection that are found on this side, in the same words as those that come from the socket. Pure.
import type { Loss } from './events.ts';
import type { Ping } from './pulse.ts';

/** The wait that a process continues which was started anew after it had broken off. */
export function failedBefore(failures: number, last: Loss | null): Loss {
  const many = `${failures} failure${failures === 1 ? '' : 's'} before the restart`;
  const { class: name = 'transient', kind = 'other', quick = false } = last ?? {};
  const reason = last === null ? many : `${many}, the last: ${last.reason}`;
  return { class: name, kind, reason, detectedBy: 'last run', quick };
}

export function silent(what: string, afterMs: number): Loss {
  return {
    class: 'transient',
    kind: 'network error',
    reason: `no ${what} within ${afterMs / 1000} s`,
    detectedBy: `${what} deadline`,
    quick: false,
  };
}

/** The old connection was closed, and the new one has not said a word. */
export const SILENT_AFTER_RENEWAL = 'ping after renewal';

const PINGS: Readonly<Record<Ping['why'], string>> = {
  heartbeat: 'heartbeat',
  probe: 'press',
  renewed: SILENT_AFTER_RENEWAL,
  network: 'network watch',
};

/** @param usable there was a way to the server, as far as is known */
export function noPong(ping: Ping, usable: boolean): Loss {
  return {
    class: 'network',
    kind: 'network error',
    reason: `no answer to a ping within ${Math.round(ping.deadlineMs / 10) / 100} s${usable ? '' : ': no way to the server is left'}`,
    detectedBy: PINGS[ping.why],
    quick: false,
  };
}

export function foreignHello(transport: string): Loss {
  return {
    class: 'protocol',
    kind: 'other',
    reason: `the server's hello offers the transport "${transport}", not websocket`,
    detectedBy: 'hello',
    quick: false,
  };
}

/** The server cannot begin a session, and says so instead of a hello: there is no hello to wait for. */
export function sessionRefused(message: string | undefined): Loss {
  return {
    class: 'transient',
    kind: 'other',
    reason: `the server begins no session: ${message ?? 'it does not say why'}`,
    detectedBy: 'error before hello',
    quick: false,
  };
}

/** Plain words before the hello and then a close: that is how common servers refuse a token or a device. */
export function explained(mutter: string | null, loss: Loss): Loss {
  if (mutter === null) return loss;
  return {
    ...loss,
    class: 'auth',
    reason: `refused by the server: ${mutter}`,
    detectedBy: 'text before hello',
    quick: false,
  };
}

/** Found by the monitor: nothing was reported, and yet it is not open. */
export const NOT_OPEN: Loss = {
  class: 'transient',
  kind: 'abnormal close',
  reason: 'the socket is not open, though no close was reported',
  detectedBy: 'monitor',
  quick: false,
};

export const SENT_ON_CLOSED: Loss = {
  class: 'local',
  kind: 'send on a closed socket',
  reason: 'there was something to send, and the socket is not open',
  detectedBy: 'send',
  quick: false,
};

/** Messages pile up on this side: nobody reads them. */
export function unread(bytes: number): Loss {
  return {
    class: 'transient',
    kind: 'other',
    reason: `the server does not read: ${bytes} bytes wait to be sent`,
    detectedBy: 'send buffer',
    quick: false,
  };
}

/** A press has had no answer, and neither had the connection that was made beside it. */
export const UNANSWERED: Loss = {
  class: 'network',
  kind: 'network error',
  reason: 'no answer to a ping at a press',
  detectedBy: 'press',
  quick: false,
};

/** Ours, before the server's idle limit: it bears no second connection that could take over. */
export const RENEWED: Loss = {
  class: 'normal',
  kind: 'normal close',
  reason: 'closed on this side to be renewed',
  detectedBy: 'renewal',
  quick: false,
};

/** Its own address has gone, or a better way has come: it will never be heard on again, or need not be. */
export function rerouted(reasons: readonly string[]): Loss {
  return {
    class: 'network',
    kind: 'network error',
    reason: reasons.join('; '),
    detectedBy: 'network watch',
    quick: false,
  };
}
