// A dial that could not even begin, reported like any other failure.
import type { Clock, DialRequest, Socket, SocketEvents } from '../../ports.ts';
import { tellable } from './loss-words.ts';

export function unopened(request: DialRequest, clock: Clock, on: SocketEvents, reason: string): Socket {
  const loss = {
    class: 'configuration',
    kind: 'other',
    reason,
    detectedBy: 'dial',
    quick: false,
  } as const;
  return {
    sentBytes: 0,
    underWayBytes: () => 0,
    isOpen: false,
    sendText: () => false,
    sendBinary: () => false,
    ping: () => false,
    close() {},
    terminate: clock.after(0, () => on.closed(tellable(loss, request.headers))),
  };
}
