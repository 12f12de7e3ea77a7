// `xiaozhi-agent demo`: a conversation over a virtual sound card, measured. Here is what makes it a process: options,
// signals, the exit code. The story itself is elsewhere.
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { extname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { clock } from '../adapters/linux/clock.ts';
import { askControl, type ControlRequest } from '../adapters/linux/control-socket.ts';
import { Children } from '../demo/children.ts';
import type { AgentControl } from '../demo/conversation.ts';
import { json, table } from '../demo/figures.ts';
import { stepsTo } from '../demo/steps.ts';
import { tellStory } from '../demo/story.ts';
import type { Status } from '../status.ts';
import { EXIT, Stop } from './exit.ts';

/** As `status` and `press` have it: an agent that is busy answers within milliseconds. */
const DEADLINE_MS = 5_000;
const FOLDER = 'demo';
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

type Cause = (typeof SIGNALS)[number] | Error;

export async function demo(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { json: { type: 'boolean', default: false } } });
  const children = new Children(clock);
  const interruption = new AbortController();
  let cause: Cause | undefined;
  const interrupt = (why: Cause) => {
    if (cause !== undefined) {
      complain('leaving at once');
      process.exit(exitCode(why));
    }
    cause = why;
    complain(why instanceof Error ? `unexpected error: ${why.stack ?? why.message}` : `${why}: ending`);
    interruption.abort();
  };
  process.once('exit', () => children.killNow());
  // Nobody reads any more (`| head`): one reason to end, however many lines are still written.
  process.stdout.on('error', (error) => cause === undefined && interrupt(error));
  process.on('uncaughtException', interrupt);
  for (const signal of SIGNALS) process.on(signal, interrupt);

  try {
    const figures = await tellStory({
      clock,
      children,
      step: stepsTo({
        clock,
        write: (text) => process.stdout.write(text),
        colour: isColourful(),
        interrupted: interruption.signal,
      }),
      interrupted: interruption.signal,
      environment: process.env,
      program: [process.execPath, ...process.execArgv, mainFile()],
      keepIn: resolve(FOLDER),
      agentIn: agentControl,
    });
    process.stdout.write(
      `\n${table(figures)}\nheard: ${FOLDER}/heard.wav; said: ${FOLDER}/said-1.wav and -2\n`,
    );
    if (values.json) process.stdout.write(`${json(figures)}\n`);
  } catch (error) {
    if (cause === undefined)
      throw new Stop(EXIT.failed, [(error as Error).message, ...whatIsKept()].join('\n'));
  }
  if (cause !== undefined) process.exit(exitCode(cause));
}

function whatIsKept(): readonly string[] {
  return ['agent.log', 'server.log', 'heard.wav']
    .map((name) => `${FOLDER}/${name}`)
    .filter((file) => existsSync(file))
    .map((file) => `  to look at: ${file}`);
}

/** As a shell has it: 130 for Ctrl-C. */
function exitCode(cause: Cause): number {
  return cause instanceof Error ? EXIT.failed : 128 + constants.signals[cause];
}

function complain(text: string): void {
  process.stderr.write(`\nxiaozhi-agent demo: ${text}\n`);
}

function isColourful(): boolean {
  return process.stdout.isTTY && process.env.NO_COLOR === undefined;
}

/** Beside this file's folder, compiled or not. */
function mainFile(): string {
  return fileURLToPath(new URL(`../main${extname(import.meta.url)}`, import.meta.url));
}

function agentControl(runtimeDirectory: string): AgentControl {
  const ask = (request: ControlRequest) => askControl(runtimeDirectory, request, DEADLINE_MS);
  const demand = async (request: ControlRequest) => {
    const answer = await ask(request);
    if ('failure' in answer) throw new Error(`the agent does not answer: ${answer.detail}`);
    if (!answer.ok) throw new Error(`the agent refuses: ${answer.error}`);
  };
  return {
    press: () => demand({ command: 'press' }),
    stop: () => demand({ command: 'stop' }),
    async status() {
      const answer = await ask({ command: 'status' });
      return 'ok' in answer && answer.ok ? (answer.status as Status) : undefined;
    },
  };
}
