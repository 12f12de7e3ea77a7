// `xiaozhi-agent run`: the daemon. Reads the configuration, builds the real machine around the agent, and lets signals,
// the control socket and the keyboard speak to it.
import { parseArgs } from 'node:util';
import { clock } from '../adapters/linux/clock.ts';
import { clockIsSet } from '../adapters/linux/clock-sync.ts';
import { keyboard } from '../adapters/linux/keyboard.ts';
import { machine } from '../adapters/linux/machine.ts';
import type { Metrics } from '../adapters/linux/prometheus.ts';
import { stateFile } from '../adapters/linux/state-file.ts';
import { wsDialer } from '../adapters/linux/ws-socket.ts';
import type { Agent } from '../agent.ts';
import { loadConfig } from '../config/load.ts';
import { describeProblem } from '../config/problem.ts';
import type { Config } from '../config/schema.ts';
import { failuresOf } from '../core/link.ts';
import { wayOf } from '../core/network.ts';
import { quiet } from '../core/state.ts';
import { LINK_FILE, Memory, type Remembered } from '../history/memory.ts';
import { LAST_RUN_FILE, type PostMortem } from '../history/post-mortem.ts';
import { Secrets } from '../log/secrets.ts';
import { type AgentLog, autoFormat, createLog, type LoggedTrouble } from '../log.ts';
import { Panel } from '../panel.ts';
import { callBody } from '../protocol/configuration.ts';
import { type StatusParts, statusOf } from '../status.ts';
import { answering } from './answering.ts';
import { agentOf } from './assembly.ts';
import { announce } from './banner.ts';
import type { EarlySignals } from './early-signals.ts';
import { EXIT, Stop } from './exit.ts';
import { InForce, namesNoServer, sentencesOf } from './in-force.ts';
import { callerOf, knownServerOf, setupOf } from './known-server.ts';
import { lastWords, runNow } from './last-words.ts';
import { type Leaving, leaving } from './leaving.ts';
import { lampOf } from './light.ts';
import { loudspeaker } from './loudspeaker.ts';
import { chooseNetworkWatch } from './network.ts';
import { NO_SERVER } from './next-step.ts';
import { panelLines } from './panel.ts';
import { packageVersion, placeOptions, placesFrom } from './places.ts';
import { identityOf } from './policy.ts';
import { Reload } from './reload.ts';
import { supervisedBy } from './supervisor.ts';
import { toolboxOf } from './tools.ts';

/** @param early heeds signals until now */
export async function run(args: string[], early: EarlySignals): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { ...placeOptions, set: { type: 'string', multiple: true } },
  });
  const places = placesFrom(values, process.env);
  const overrides = overridesFrom(values.set ?? []);
  const load = () =>
    loadConfig({
      configFile: places.configFile,
      mustExist: places.configMustExist,
      environment: process.env,
      overrides,
    });
  const loaded = load();
  const { config, tools: own, problems, files } = loaded;
  let postMortem: PostMortem | undefined;
  const secrets = new Secrets();
  const log = logOf(config, secrets, (trouble) => postMortem?.saw(trouble));
  const leave = leaving(early, log, (reason) => postMortem?.close(secrets.blanked(reason), false));
  const version = packageVersion();
  const [configLog, stateLog] = [log.of('config'), log.of('state')];
  log.of('start').info({ version, node: process.version, files: files.join(' ') || 'none' }, 'starting');
  for (const problem of problems)
    configLog[problem.severity === 'error' ? 'error' : 'warn']({}, describeProblem(problem));
  if (namesNoServer(config)) configLog.error({ file: places.configFile }, NO_SERVER);
  let sentences = sentencesOf(loaded);

  const identity = identityOf(config, places.stateDirectory, stateLog);
  const known = knownServerOf(config, places.stateDirectory, log.of('server'));
  const { url } = known;
  // Of an earlier run; the others are learned as they are sent.
  secrets.know(known.token);
  const kept = (name: string) => stateFile({ directory: places.stateDirectory, name, log: stateLog });
  const memory = new Memory({
    store: kept(LINK_FILE),
    clock,
    get url() {
      return known.url;
    },
  });
  const board = machine();
  const { past, lastRun } = lastWords(kept(LAST_RUN_FILE), board.boot, version);
  postMortem = past;
  leave.keep(() => memory.close(false));
  leave.keep(() => past.close('ended by itself, unexpectedly', false));
  const remembered = memory.remembered();
  const inForce = new InForce(config, { identity, known, version, log, secrets, memory, agent: () => agent });

  const dialer = wsDialer({ clock, clockIsSet });
  const network = chooseNetworkWatch(config, {
    clock,
    log: log.of('network'),
    destination: dialer.serverAddress,
  });
  let metrics: Metrics | undefined;
  const address = () => {
    const { seen } = agent.state.network;
    return seen === null ? '' : (wayOf(seen)?.source ?? '');
  };
  const caller = () => callerOf(config, { identity, version, address });
  const tools = toolboxOf(config, {
    own,
    agent: () => agent,
    systemInfo: () => callBody(caller()),
    log: log.of('tools'),
    closing: leave.keep,
  });
  const setup = setupOf(config, {
    known,
    caller,
    places,
    blanked: secrets.blanked,
    log: log.of('setup'),
    closing: leave.keep,
  });
  const now = () => inForce.config;
  const lamp = lampOf(now, log.of('light'));
  const agent = await agentOf(config, log, {
    ...(lamp === undefined ? {} : { lamp }),
    ...(await loudspeaker(now, places.stateDirectory, log.of('speaker'), leave.keep)),
    gainDb: () => now().audio.input.gainDb,
    server: () => inForce.server,
    ...(setup === undefined ? {} : { setup }),
    tools,
    url,
    dialer,
    network,
    history: {
      remembered,
      changed: () => {
        memory.changed();
        past.changed();
      },
      turnOver({ firstSoundMs }) {
        past.changed();
        if (firstSoundMs !== null) metrics?.firstSound(firstSoundMs);
      },
    },
    ...(remembered === undefined ? {} : { lessons: remembered.lessons }),
    stepped: (state, event) => {
      reload.settle();
      supervised?.observe(state, event);
    },
  });
  const panel = new Panel({
    lines: panelLines(config, { clock, log: log.of('button') }),
    clock,
    log: log.of('button'),
    dispatch: (event) => agent.dispatch(event),
  });
  const networkMeans = () => network?.means ?? 'nothing';
  const startedAtMs = clock.now();
  const status: StatusParts = {
    agent,
    clock,
    version,
    networkMeans,
    panel,
    startedAtMs,
    lastRun,
    setupTrouble: () => setup?.trouble ?? known.doubt,
    // These change with a reload.
    get url() {
      return inForce.server.url;
    },
    get problems() {
      return sentences;
    },
    get gives() {
      return inForce.gives;
    },
  };
  const supervised = supervisedBy({ clock, log: log.of('service'), agent, problems: () => sentences });
  const reload = new Reload({
    started: config,
    load,
    log: configLog,
    isQuiet: () => quiet(agent.state.turn),
    problems: (found) => {
      sentences = found;
    },
    apply: (next) => inForce.apply(next),
  });
  const listening = await answering(status, places.runtimeDirectory, log);
  const keys = keysOf(agent, log, leave);
  leave.heed({
    asked(signal) {
      supervised?.stopping();
      agent.dispatch({ type: 'shutdown.asked' });
      memory.close(true);
      past.close(`ended on request (${signal})`, true);
      panel.stop();
      listening.stop();
      keys?.stop();
    },
    hungUp() {
      supervised?.reloading();
      reload.asked();
      agent.dispatch({ type: 'reconnect.asked' });
      supervised?.reloaded();
    },
  });

  memory.follow(() => present(agent));
  past.follow(() => runNow(agent, clock.now() - startedAtMs));
  announce(
    {
      machine: board,
      loaded,
      problems: sentences.length,
      server: inForce.server,
      agent,
      panel,
      places,
      lastRun,
    },
    log.of,
    networkMeans(),
  );
  const { failures = 0, trouble = null } = remembered ?? {};
  agent.dispatch({ type: 'agent.started', failures, loss: trouble });
  panel.start();
  metrics = await metricsFor(config, agent, status, log);
  leave.keep(() => metrics?.stop());
  supervised?.ready();
}

function logOf(
  { log: { level, format } }: Config,
  secrets: Secrets,
  trouble: (trouble: LoggedTrouble) => void,
): AgentLog {
  const isTty = process.stdout.isTTY;
  return createLog({
    level,
    format: format === 'auto' ? autoFormat(process.env, isTty) : format,
    colour: isTty && process.env.NO_COLOR === undefined,
    secrets,
    trouble,
  });
}

/** Loaded where they are wanted: they take memory of a small board. */
async function metricsFor(
  config: Config,
  agent: Agent,
  status: StatusParts,
  log: AgentLog,
): Promise<Metrics | undefined> {
  const { listen, textfile } = config.metrics;
  if (listen === '' && textfile === '') return undefined;
  const { metricsOf } = await import('./metrics.ts');
  return metricsOf(config, agent, () => statusOf(status), log.of('metrics'));
}

function keysOf(agent: Agent, log: AgentLog, leave: Leaving) {
  if (!process.stdin.isTTY) return undefined;
  log.of('control').info({}, 'the space bar is the button; q quits');
  return keyboard(process.stdin, clock.now, {
    space: () => agent.dispatch({ type: 'press.asked' }),
    quit: () => leave.now('q'),
  });
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
