// How much the log says, asked and changed while the agent runs.
import type { ControlAnswer, ControlRequest } from '../adapters/linux/control-socket.ts';
import type { AgentLog } from '../log.ts';

export const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
type Level = (typeof LEVELS)[number];

export function logAnswer({ level, component }: ControlRequest, log: AgentLog): ControlAnswer {
  const known = log.levels();
  if (level === undefined) return { ok: true, levels: known };
  if (!isLevel(level)) return { ok: false, error: `level must be one of: ${LEVELS.join(', ')}` };
  if (component !== undefined && (typeof component !== 'string' || !Object.hasOwn(known, component)))
    return { ok: false, error: `component must be one of: ${Object.keys(known).join(', ')}` };
  log.setLevel(level, component);
  return { ok: true, levels: log.levels() };
}

export function isLevel(found: unknown): found is Level {
  return LEVELS.some((level) => level === found);
}
