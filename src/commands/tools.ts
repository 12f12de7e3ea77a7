// From the configuration to the tools that the server may use: the box's own, the owner's, and of both those that are
// allowed. Builds them and starts nothing.
import { clock } from '../adapters/linux/clock.ts';
import { runFixed } from '../adapters/linux/fixed-command.ts';
import { HeaderLines } from '../adapters/linux/header-lines.ts';
import { temperatureC } from '../adapters/linux/machine.ts';
import type { Agent } from '../agent.ts';
import { boxTools } from '../box-tools.ts';
import { type OwnerTool, placeIn } from '../config/owner-tools.ts';
import type { Config } from '../config/schema.ts';
import type { Log } from '../ports.ts';
import type { Argument, ToolShape, Values } from '../protocol/tools.ts';
import { type Tool, Toolbox } from '../toolbox.ts';
import { radioOf } from './radio.ts';

/** The reference firmware answers first and goes about a second later. */
const REBOOT_AFTER_MS = 1_000;
const REBOOT_MS = 4_000;

type Parts = {
  readonly own: readonly OwnerTool[];
  readonly agent: () => Agent;
  readonly systemInfo: () => string;
  readonly log: Log;
  readonly closing: (close: () => void) => void;
  readonly lines?: Lines;
};

type Lines = Pick<HeaderLines, 'set' | 'isOn' | 'stop'>;

export function toolboxOf(
  { mcp }: Config,
  { own, agent, systemInfo, log, closing, lines = new HeaderLines({ clock }) }: Parts,
): Toolbox {
  closing(() => lines.stop());
  const all = [
    ...boxTools({
      agent,
      clock,
      systemInfo,
      board: { temperatureC, radioOf },
      ...(mcp.reboot ? { reboot: () => reboot(log) } : {}),
    }),
    ...own.map((one) => ownersTool(one, lines)),
  ];
  const [allow, deny] = [namesIn(mcp.allow), namesIn(mcp.deny)];
  const tools = all.filter(
    ({ shape: { name } }) => (allow.length === 0 || allow.includes(name)) && !deny.includes(name),
  );
  for (const name of [...allow, ...deny])
    if (!all.some(({ shape }) => shape.name === name))
      log.warn({ tool: name }, 'mcp.allow or mcp.deny names no tool');
  log.debug({ tools: tools.map(({ shape }) => shape.name).join(' ') || 'none' }, 'tools for the server');
  return new Toolbox({ tools, clock, log });
}

function namesIn(text: string): readonly string[] {
  return text === '' ? [] : text.split(',').map((name) => name.trim());
}

async function reboot(log: Log): Promise<string> {
  clock.after(REBOOT_AFTER_MS, () => {
    log.warn({}, 'the server restarts the board');
    void runFixed(['/usr/bin/systemctl', 'reboot'], REBOOT_MS, clock).then((end) => {
      if ('failed' in end) log.error({ reason: end.failed }, 'the board cannot be restarted');
    });
  });
  return 'true';
}

const ON: Argument = { name: 'on', kind: 'boolean', description: 'true: on; false: off' };

function ownersTool({ name, description, arguments: given, does }: OwnerTool, lines: Lines): Tool {
  const about = (all: readonly Argument[]): ToolShape => ({
    name,
    description,
    arguments: all,
    audience: 'model',
  });
  if (does.kind === 'command')
    return { shape: about(given), run: (values) => ran(filled(does.argv, values), does.timeoutMs) };
  const line = { gpio: does.gpio, activeLow: does.active === 'low' };
  if (does.kind === 'input') return { shape: about([]), run: async () => String(await lines.isOn(line)) };
  return {
    shape: about([ON]),
    run: async ({ on }) => {
      await lines.set(line, on === true);
      return 'true';
    },
  };
}

async function ran(argv: readonly string[], timeoutMs: number): Promise<string> {
  const end = await runFixed(argv, timeoutMs, clock);
  if ('failed' in end) throw new Error(end.failed);
  return end.said === '' ? 'true' : end.said;
}

/** Each argument is one word of the command, whatever it holds; but it must not turn into an option of the program. */
function filled(argv: readonly string[], values: Values): readonly string[] {
  return argv.map((part) => {
    const place = placeIn(part);
    if (place === undefined) return part;
    const word = String(values[place] ?? '');
    if (typeof values[place] === 'string' && /^-|\p{Cc}/u.test(word))
      throw new Error(`Missing valid argument: ${place}`);
    return word;
  });
}
