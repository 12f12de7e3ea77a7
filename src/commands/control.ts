// What each request on the control socket does to the agent.
import type { ControlAnswer, ControlRequest } from '../adapters/linux/control-socket.ts';
import type { Agent } from '../agent.ts';
import type { Status } from '../status.ts';

const COMMANDS = ['press', 'stop', 'status'] as const;

export function controlAnswer(request: ControlRequest, agent: Agent, status: () => Status): ControlAnswer {
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
    case 'status':
      return { ok: true, status: status() };
    default:
      return { ok: false, error: `unknown command; one of: ${COMMANDS.join(', ')}` };
  }
}
