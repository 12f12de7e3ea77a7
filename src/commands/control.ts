// What each request on the control socket does to the agent.
import type { ControlAnswer, ControlRequest } from '../adapters/linux/control-socket.ts';
import type { Agent } from '../agent.ts';
import type { Status } from '../status.ts';
import { WHY_MOST, WHY_USUALLY, type Why } from '../why.ts';
import { meterAnswer, toneAnswer, volumeAnswer } from './control-sound.ts';

const COMMANDS = ['press', 'stop', 'volume', 'meter', 'tone', 'reconnect', 'status', 'why'] as const;

export type Answers = { status(): Status; why(count: number): Why };

export function controlAnswer(request: ControlRequest, agent: Agent, answers: Answers): ControlAnswer {
  switch (request.command) {
    case 'press': {
      // A finger on the button outranks a command.
      const { phase } = agent.state.gesture;
      if (phase !== 'up' && phase !== 'clicked') return { ok: false, error: 'the button is held already' };
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
    case 'reconnect':
      return reconnected(agent);
    case 'status':
      return { ok: true, status: answers.status() };
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

/** Says what comes of it: whoever asks at night must not guess. */
function reconnected(agent: Agent): ControlAnswer {
  const before = agent.state.link;
  agent.dispatch({ type: 'reconnect.asked' });
  const after = agent.state.link;
  const isNew = after.attempt !== before.attempt;
  switch (before.phase) {
    case 'unconfigured':
      return { ok: false, error: 'no server is configured: set server.websocket_url' };
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
