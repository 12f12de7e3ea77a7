// What each request on the control socket does to the agent.
import type { ControlAnswer, ControlClient, ControlRequest } from '../adapters/linux/control-socket.ts';
import type { Agent } from '../agent.ts';
import { isFree } from '../core/gesture.ts';
import type { AgentLog } from '../log.ts';
import type { Panel } from '../panel.ts';
import type { Clock } from '../ports.ts';
import type { Status } from '../status.ts';
import { WHY_MOST, WHY_USUALLY, type Why } from '../why.ts';
import { logAnswer } from './control-log.ts';
import { meterAnswer, toneAnswer, volumeAnswer } from './control-sound.ts';
import { NO_SERVER } from './next-step.ts';

const COMMANDS = [
  'press',
  'stop',
  'mute',
  'button',
  'volume',
  'meter',
  'tone',
  'reconnect',
  'status',
  'why',
  'log',
  'monitor',
] as const;

export type Answers = {
  status(): Status;
  why(count: number): Why;
  readonly panel: Panel;
  readonly log: AgentLog;
  readonly clock: Clock;
};

/** Twice a second: as often as an eye reads a line that changes. */
const MONITOR_EVERY_MS = 500;

export function controlAnswer(
  request: ControlRequest,
  client: ControlClient,
  agent: Agent,
  answers: Answers,
): ControlAnswer {
  switch (request.command) {
    case 'press': {
      // A finger on the button outranks a command.
      if (!isFree(agent.state.gesture)) return { ok: false, error: 'the button is held already' };
      const { hold_ms: holdMs } = request;
      if (holdMs === undefined) agent.dispatch({ type: 'press.asked' });
      else if (typeof holdMs === 'number' && holdMs > 0) agent.dispatch({ type: 'press.asked', holdMs });
      else return { ok: false, error: 'hold_ms must be a number of milliseconds above 0' };
      return { ok: true, state: agent.held.status };
    }
    case 'stop':
      agent.dispatch({ type: 'stop.asked' });
      return { ok: true, state: agent.held.status };
    case 'volume':
      return volumeAnswer(request, agent);
    case 'meter':
      return meterAnswer(agent);
    case 'tone':
      return toneAnswer(request, agent);
    case 'mute':
      return muted(request.muted, agent);
    case 'button':
      return watched(client, agent, answers);
    case 'reconnect':
      return reconnected(agent);
    case 'status':
      return { ok: true, status: answers.status() };
    case 'log':
      return logAnswer(request, answers.log);
    case 'monitor':
      return monitored(client, agent, answers);
    case 'why': {
      const { count = WHY_USUALLY } = request;
      if (typeof count !== 'number' || !Number.isInteger(count) || count < 1 || count > WHY_MOST)
        return { ok: false, error: `count must be a whole number from 1 to ${WHY_MOST}` };
      return { ok: true, why: answers.why(count) };
    }
    default:
      return { ok: false, error: `unknown command; one of: ${COMMANDS.join(', ')}` };
  }
}

function muted(wanted: unknown, agent: Agent): ControlAnswer {
  if (typeof wanted !== 'boolean' && wanted !== 'toggle')
    return { ok: false, error: 'muted must be true, false or "toggle"' };
  const isForbidden = agent.state.muteSwitched && wanted !== true;
  agent.dispatch({ type: 'mute.asked', muted: wanted });
  if (isForbidden) return { ok: false, error: 'the mute switch of the box stands on mute' };
  return { ok: true, muted: agent.state.muted };
}

/** Every edge of the panel from now on, for whoever tests the button. */
function watched(client: ControlClient, agent: Agent, { panel, status }: Answers): ControlAnswer {
  const cancel = panel.watch(({ role, edge, atMs }) => client.send({ ok: true, role, edge, at_ms: atMs }));
  if (!client.follow(cancel)) {
    cancel();
    return { ok: false, error: 'this connection follows the button already' };
  }
  return { ok: true, button: status().button, gesture: agent.state.policy.gesture };
}

/** How things stand, again and again, until whoever looks leaves. */
function monitored(client: ControlClient, agent: Agent, { clock, status }: Answers): ControlAnswer {
  const look = (): ControlAnswer => ({ ok: true, status: status(), level: agent.preamp.level });
  const tell = () => {
    client.send(look());
    cancel = clock.after(MONITOR_EVERY_MS, tell);
  };
  let cancel = clock.after(MONITOR_EVERY_MS, tell);
  if (client.follow(() => cancel())) return look();
  cancel();
  return { ok: false, error: 'this connection follows something already' };
}

/** Says what comes of it: whoever asks at night must not guess. */
function reconnected(agent: Agent): ControlAnswer {
  const before = agent.state.link;
  agent.dispatch({ type: 'reconnect.asked' });
  const after = agent.state.link;
  const isNew = after.attempt !== before.attempt;
  switch (before.phase) {
    case 'unconfigured':
      return agent.state.policy.setup.asks
        ? { ok: true, doing: 'asking for the server now' }
        : { ok: false, error: NO_SERVER };
    case 'ended':
      return { ok: false, error: 'shutting down' };
    case 'ready':
      if (isNew) return { ok: true, doing: 'connected already: renewing' };
      if (before.successor !== null) return { ok: true, doing: 'connected already, and being renewed' };
      return { ok: true, doing: 'in a conversation: left alone' };
    case 'dialing':
    case 'greeting':
      return { ok: true, doing: isNew ? 'trying anew' : 'trying already' };
    case 'waiting':
    case 'resting':
    case 'closed':
    case 'stopped':
      return { ok: true, doing: 'trying now' };
  }
}
