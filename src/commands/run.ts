// `xiaozhi-agent run`: the daemon. Reads the configuration, builds the real machine around the agent, and lets signals,
// the control socket and the keyboard speak to it.
import { parseArgs } from 'node:util';
import { clock } from '../adapters/linux/clock.ts';
import { clockIsSet, clockSync } from '../adapters/linux/clock-sync.ts';
import { listenControl } from '../adapters/linux/control-socket.ts';
import { keyboard } from '../adapters/linux/keyboard.ts';
import { stateFile } from '../adapters/linux/state-file.ts';
import { wsDialer } from '../adapters/linux/ws-socket.ts';
import { Agent } from '../agent.ts';
import { loadConfig } from '../config/load.ts';
import { describeProblem } from '../config/problem.ts';
import type { Config } from '../config/schema.ts';
import { failuresOf } from '../core/link.ts';
import { LINK_FILE, Memory, type Remembered } from '../history/memory.ts';
import { type AgentLog, autoFormat, createLog } from '../log.ts';
import { statusOf } from '../status.ts';
import { whyOf } from '../why.ts';
import { chooseMicrophone, chooseSpeaker } from './card.ts';
import { chooseCodec } from './codec.ts';
import { controlAnswer } from './control.ts';
import { EXIT, Stop } from './exit.ts';
import { type Places, packageVersion, placeOptions, placesFrom } from './places.ts';
import { policyOf, serverOf } from './policy.ts';

/** Sockets are given 2 s for a polite close; whatever hangs after that is not waited for. */
const SHUTDOWN_MS = 5_000;

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { ...placeOptions, set: { type: 'string', multiple: true } },
  });
  const places = placesFrom(values, process.env);
  const { config, problems, files } = loadConfig({
    configFile: places.configFile,
    mustExist: places.configMustExist,
    environment: process.env,
    overrides: overridesFrom(values.set ?? []),
  });
  const { level, format } = config.log;
  const isTty = process.stdout.isTTY;
  const log = createLog({
    level,
    format: format === 'auto' ? autoFormat(process.env, isTty) : format,
    colour: isTty && process.env.NO_COLOR === undefined,
  });
  process.on('uncaughtException', (error) => {
    log.error({ error, stack: error.stack }, 'unexpected error');
    log.flush();
    process.exit(EXIT.failed);
  });
  const version = packageVersion();
  log.info({ version, node: process.version, files: files.join(' ') || 'none' }, 'starting');
  const sentences = problems.map(describeProblem);
  for (const [at, problem] of problems.entries())
    log[problem.severity === 'error' ? 'error' : 'warn']({}, sentences[at] ?? '');
  if (config.server.websocketUrl === '') {
    sentences.push('no server is configured: set server.websocket_url');
    log.error({ file: places.configFile }, 'no server is configured: set server.websocket_url');
  }
  const url = config.server.websocketUrl;
  const store = stateFile({ directory: places.stateDirectory, name: LINK_FILE, log });
  const memory = new Memory({ store, clock, url });
  const remembered = memory.remembered();
  const agent = await build(config, places, version, log, remembered, () => memory.changed());
  await control(agent, config, places, version, sentences, log, memory);
  memory.follow(() => present(agent));
  const { failures = 0, trouble = null } = remembered ?? {};
  agent.dispatch({ type: 'agent.started', failures, loss: trouble });
}

/** What the next run is to know. */
function present({ state, history }: Agent): Remembered {
  return {
    failures: failuresOf(state.link, clock.now()),
    trouble: history.trouble,
    lessons: state.lessons,
    counters: history.sessions.total,
    sessions: history.sessions.ended,
    outages: history.outages.list(),
  };
}

function overridesFrom(settings: readonly string[]): Record<string, string> {
  const pairs = settings.map((setting) => {
    const at = setting.indexOf('=');
    if (at < 1) throw new Stop(EXIT.usage, `--set takes KEY=VALUE such as log.level=debug, not "${setting}"`);
    return [setting.slice(0, at), setting.slice(at + 1)] as const;
  });
  return Object.fromEntries(pairs);
}

async function build(
  config: Config,
  places: Places,
  version: string,
  log: AgentLog,
  remembered: Remembered | undefined,
  changed: () => void,
): Promise<Agent> {
  const codec = await chooseCodec(config.audio.codec.backend, log);
  log.info(
    { codec: codec.name, input: config.audio.input.device, output: config.audio.output.device },
    'audio',
  );
  return new Agent({
    policy: policyOf(config),
    server: serverOf(config, places.stateDirectory, version, log),
    clock,
    log,
    dialer: wsDialer({ clock, clockIsSet }),
    clockSync: clockSync({ clock }),
    ...(remembered === undefined ? {} : { lessons: remembered.lessons }),
    history: { remembered, changed },
    microphone: chooseMicrophone(config, log),
    speaker: await chooseSpeaker(config, log),
    codec,
    encoder: { bitrateBps: config.audio.codec.bitrateBps, complexity: config.audio.codec.complexity },
    jitterMs: config.audio.output.jitterMs,
    cue: (cue) => log.info({ cue }, 'cue'),
  });
}

async function control(
  agent: Agent,
  config: Config,
  places: Places,
  version: string,
  problems: readonly string[],
  log: AgentLog,
  memory: Memory,
): Promise<void> {
  const startedAtMs = clock.now();
  const parts = { agent, clock, version, url: config.server.websocketUrl, startedAtMs, problems };
  const answers = { status: () => statusOf(parts), why: (count: number) => whyOf(parts, count) };
  const listening = await listenControl({
    runtimeDirectory: places.runtimeDirectory,
    clock,
    log,
    answer: (request) => controlAnswer(request, agent, answers),
  });
  if ('refused' in listening) throw new Stop(EXIT.cannotRun, refusal(listening.refused, listening.detail));
  const keys = process.stdin.isTTY
    ? keyboard(process.stdin, clock.now, {
        space: () => agent.dispatch({ type: 'press.asked' }),
        quit: () => shutDown('q'),
      })
    : undefined;
  if (keys !== undefined) log.info({}, 'the space bar is the button; q quits');
  const shutDown = (signal: string) => {
    log.info({ signal }, 'shutting down');
    process.once('SIGTERM', leave).once('SIGINT', leave);
    setTimeout(leave, SHUTDOWN_MS).unref();
    agent.dispatch({ type: 'shutdown.asked' });
    memory.close(true);
    listening.stop();
    keys?.stop();
  };
  const leave = () => {
    log.error({}, 'not gone in time, or told twice: leaving at once');
    log.flush();
    // Not `exit`, which would wait for a thread that sits in a sound card's driver.
    process.kill(process.pid, 'SIGKILL');
  };
  process.once('SIGTERM', shutDown).once('SIGINT', shutDown);
  process.on('SIGHUP', () => {
    // A terminal that is closed takes with it what runs on it; a service is told to try anew.
    if (process.stdin.isTTY) return shutDown('SIGHUP');
    log.info({ signal: 'SIGHUP' }, 'trying now');
    agent.dispatch({ type: 'reconnect.asked' });
  });
  process.once('exit', () => {
    // Of an end that nobody has asked for; after one that was, there is nothing left to write.
    memory.close(false);
    log.flush();
  });
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
