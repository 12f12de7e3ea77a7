// The states of the connection and of a conversation as the fields of a log line. Chooses what is shown, not when.
import type { Loss } from '../core/events.ts';
import { waitMs } from '../core/link.ts';
import { isUsable } from '../core/network.ts';
import type { State } from '../core/state.ts';
import type { Turn } from '../core/turn.ts';

export function linkWords({ link, network }: Pick<State, 'link' | 'network'>): object {
  switch (link.phase) {
    case 'unconfigured':
      return {};
    case 'resting':
      return { why: link.why, ...(link.loss === null ? {} : lossWords(link.loss)), next: 'at a press' };
    case 'closed':
      return { why: link.why, next: 'none until asked to connect' };
    case 'ended':
      return { why: 'shutting down', next: 'none' };
    case 'dialing':
    case 'greeting':
      return { attempt: link.attempt, failures: link.failures, cause: link.cause };
    case 'ready':
      return { attempt: link.current };
    case 'waiting': {
      const retryInMs = Math.round(waitMs(link, isUsable(network)));
      return { ...lossWords(link.loss), failures: link.failures, retryInMs };
    }
    case 'stopped': {
      const { why, loss, failures } = link;
      return { why, ...lossWords(loss), failures, next: 'at a press or a command' };
    }
  }
}

export function lossWords({ class: name, kind, reason, detectedBy, retryAfterMs }: Loss): object {
  return { class: name, kind, reason, detectedBy, retryAfterMs };
}

export function turnWords(turn: Turn): object {
  const { phase: _phase, ...words } = turn;
  return 'movedAt' in words ? { ...words, movedAt: undefined } : words;
}
