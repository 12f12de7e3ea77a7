// The two programs the demo is about, as processes of their own, told everything on their command lines. Knows how they
// are started and by what one sees that they are up; not what is done with them.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Child, Children } from './children.ts';
import type { AgentControl } from './conversation.ts';
import type { VirtualCard } from './virtual-card.ts';
import type { Waits } from './waits.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export type Stage = {
  readonly children: Children;
  readonly waits: Waits;
  readonly environment: Environment;
  /** How this program is started: the command, and the arguments before its own. */
  readonly program: readonly [string, ...string[]];
  /** For sockets, state and settings; removed at the end. */
  readonly folder: string;
  /** For logs and recordings, to stay. */
  readonly keepIn: string;
};

export type RunningServer = { readonly child: Child; readonly url: string; readonly listeningAtMs: number };

/** Half a second on this machine; a Pi Zero loading from a card is twenty times slower. */
export const START_DEADLINE_MS = 20_000;

/** Neither is there for safety: whoever runs the demo has neither, and an installed box's own must not be used. */
export async function writeSettings(folder: string): Promise<void> {
  await writeFile(tokenFile(folder), 'only-for-the-demo\n', { mode: 0o600 });
  await writeFile(configFile(folder), '# The demo sets everything on the command line.\n');
}

export async function startServer(stage: Stage, port: string): Promise<RunningServer> {
  const child = start(stage, 'the server', 'server.log', stage.environment, [
    ...['serve', '--port', port, '--token-file', tokenFile(stage.folder), '--verbose'],
  ]);
  const listening = await stage.waits.until('the server listens', START_DEADLINE_MS, () =>
    child.lines.find(({ text }) => / listening url=/.test(text)),
  );
  const url = /url=(\S+)/.exec(listening.text)?.[1] ?? '';
  return { child, url, listeningAtMs: listening.atMs };
}

export async function startAgent(
  stage: Stage,
  url: string,
  card: VirtualCard,
  control: AgentControl,
): Promise<Child> {
  const settings = {
    'server.websocket_url': url,
    'server.token_file': tokenFile(stage.folder),
    'audio.input.device': card.microphone,
    'audio.output.device': card.speaker,
  };
  const environment = { ...stage.environment, ...card.environment };
  const child = start(stage, 'the agent', 'agent.log', environment, [
    ...['run', '--config', configFile(stage.folder), '--state-dir', join(stage.folder, 'state')],
    ...['--runtime-dir', runtimeDirectory(stage.folder)],
    ...Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`]),
  ]);
  await stage.waits.until('the agent is connected', START_DEADLINE_MS, async () =>
    (await control.status())?.link.phase === 'ready' ? true : undefined,
  );
  return child;
}

export function runtimeDirectory(folder: string): string {
  return join(folder, 'run');
}

/** The machine's own settings are not the demo's; without the last two a log line has the form that is looked for. */
export function withoutSettings(environment: Environment): Environment {
  const foreign = /^XIAOZHI_|^(STATE|RUNTIME)_DIRECTORY$|^JOURNAL_STREAM$|^INVOCATION_ID$/;
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !foreign.test(name)));
}

function start(
  { children, program, keepIn }: Stage,
  name: string,
  log: string,
  environment: Environment,
  args: readonly string[],
): Child {
  const [command, ...first] = program;
  return children.start({
    ...{ name, command, args: [...first, ...args], environment },
    lasting: true,
    logFile: join(keepIn, log),
  });
}

function tokenFile(folder: string): string {
  return join(folder, 'token');
}

function configFile(folder: string): string {
  return join(folder, 'config.toml');
}
