// Opens the control socket, on which the agent answers; where that cannot be, the agent does not start, and this says why.
import { clock } from '../adapters/linux/clock.ts';
import { type ControlServer, listenControl } from '../adapters/linux/control-socket.ts';
import type { AgentLog } from '../log.ts';
import { type StatusParts, statusOf } from '../status.ts';
import { whyOf } from '../why.ts';
import { controlAnswer } from './control.ts';
import { EXIT, Stop } from './exit.ts';

export async function answering(
  parts: StatusParts,
  runtimeDirectory: string,
  log: AgentLog,
): Promise<ControlServer> {
  const answers = {
    status: () => statusOf(parts),
    why: (count: number) => whyOf(parts, count),
    panel: parts.panel,
    log,
    clock,
  };
  const listening = await listenControl({
    runtimeDirectory,
    clock,
    log: log.of('control'),
    answer: (request, client) => controlAnswer(request, client, parts.agent, answers),
  });
  if ('refused' in listening) throw new Stop(EXIT.cannotRun, refusal(listening.refused, listening.detail));
  return listening;
}

function refusal(refused: 'running' | 'denied' | 'failed', detail: string): string {
  switch (refused) {
    case 'running':
      return `a second instance does not start: ${detail}. Stop the first, or give this one --runtime-dir and --state-dir of its own`;
    case 'denied':
      return `the control socket cannot be made: ${detail}. Run as root or as the service, or give --runtime-dir DIR --state-dir DIR`;
    case 'failed':
      return `the control socket cannot be made: ${detail}`;
  }
}
