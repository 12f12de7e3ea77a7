// `xiaozhi-agent run`: the daemon. Reads the configuration, builds the real machine around the agent, and lets signals,
// the control socket and the keyboard speak to it.
import { parseArgs } from 'node:util';
import { clock } from '../adapters/linux/clock.ts';
import { clockIsSet, clockSync } from '../adapters/linux/clock-sync.ts';
import { listenControl } from '../adapters/linux/control-socket.ts';
import { keyboard } from '../adapters/linux/keyboard.ts';
import { machine } from '../adapters/linux/machine.ts';
import type { Metrics } from '../adapters/linux/prometheus.ts';
import { rateConverter } from '../adapters/linux/rate-converter.ts';
import { stateFile } from '../adapters/linux/state-file.ts';
import { wsDialer } from '../adapters/linux/ws-socket.ts';
import { Agent, type AgentParts } from '../agent.ts';
import { loadConfig } from '../config/load.ts';
import { describeProblem } from '../config/problem.ts';
import type { Config } from '../config/schema.ts';
import { noLessons } from '../core/lessons.ts';
import { failuresOf } from '../core/link.ts';
import { wayOf } from '../core/network.ts';
import { quiet } from '../core/state.ts';
import { LINK_FILE, Memory, type Remembered } from '../history/memory.ts';
import { LAST_RUN_FILE, type PostMortem } from '../history/post-mortem.ts';
import { type AgentLog, autoFormat, createLog } from '../log.ts';
import { Panel } from '../panel.ts';
import type { NetworkWatch } from '../ports.ts';
import { callBody } from '../protocol/configuration.ts';
import { type StatusParts, statusOf } from '../status.ts';
import { whyOf } from '../why.ts';
import { announce } from './banner.ts';
import { chooseMicrophone, chooseSpeaker } from './card.ts';
import { chooseCodec } from './codec.ts';
import { controlAnswer } from './control.ts';
import { EXIT, Stop } from './exit.ts';
import { callerOf, knownServerOf, setupOf } from './known-server.ts';
import { lastWords, runNow } from './last-words.ts';
import { lampOf } from './light.ts';
import { loudspeaker } from './loudspeaker.ts';
import { chooseNetworkWatch } from './network.ts';
import { panelLines } from './panel.ts';
import { type Places, packageVersion, placeOptions, placesFrom } from './places.ts';
import { identityOf, policyOf, serverOf } from './policy.ts';
import { Reload } from './reload.ts';
import { supervisedBy } from './supervisor.ts';
import { toolboxOf } from './tools.ts';

/** Sockets are given 1.5 s for a polite close; whatever hangs after that is not waited for. */
const SHUTDOWN_MS = 1_900;

const NO_SERVER = 'no server is configured: set server.websocket_url, or server.ota_url to be told one';

export async function run(args: string[]): Promise<void> {
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
  const { level, format } = config.log;
  const isTty = process.stdout.isTTY;
  const log = createLog({
    level,
    format: format === 'auto' ? autoFormat(process.env, isTty) : format,
    colour: isTty && process.env.NO_COLOR === undefined,
    trouble: (trouble) => postMortem?.saw(trouble),
  });
  let postMortem: PostMortem | undefined;
  process.on('uncaughtException', (error) => {
    log.of('core').error({ error, stack: error.stack }, 'unexpected error');
    postMortem?.close(`unexpected error: ${error.message}`, false);
    log.flush();
    process.exit(EXIT.failed);
  });
  const version = packageVersion();
  const [startLog, configLog, stateLog] = [log.of('start'), log.of('config'), log.of('state')];
  startLog.info({ version, node: process.version, files: files.join(' ') || 'none' }, 'starting');
  let sentences = problems.map(describeProblem);
  for (const [at, problem] of problems.entries())
    configLog[problem.severity === 'error' ? 'error' : 'warn']({}, sentences[at] ?? '');
  if (config.server.websocketUrl === '' && config.server.otaUrl === '') {
    sentences.push(NO_SERVER);
    configLog.error({ file: places.configFile }, NO_SERVER);
  }
  const identity = identityOf(config, places.stateDirectory, stateLog);
  const known = knownServerOf(config, places.stateDirectory, log.of('server'));
  const { url } = known;
  let server = serverOf(config, identity, known, version, stateLog);
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
  const remembered = memory.remembered();
  const dialer = wsDialer({ clock, clockIsSet });
  const network = chooseNetworkWatch(config, {
    clock,
    log: log.of('network'),
    destination: dialer.serverAddress,
  });
  const closing: (() => void)[] = [
    () => memory.close(false),
    () => past.close('ended by itself, unexpectedly', false),
  ];
  let metrics: Metrics | undefined;
  const keep = (close: () => void) => void closing.push(close);
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
    closing: keep,
  });
  const setup = setupOf(config, { known, caller, places, log: log.of('setup'), closing: keep });
  const lamp = await lampOf(config, log.of('light'));
  const agent = await build(config, log, {
    ...(lamp === undefined ? {} : { lamp }),
    ...(await loudspeaker(config, places.stateDirectory, log.of('speaker'), keep)),
    server: () => server,
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
    // Both change with a reload.
    get url() {
      return server.url;
    },
    get problems() {
      return sentences;
    },
  };
  const supervised = supervisedBy({ clock, log: log.of('service'), agent, problems: () => sentences });
  const reload = new Reload({
    started: config,
    load,
    log: configLog,
    isQuiet: () => quiet(agent.state.turn),
    problems: (found) => {
      sentences = [...found];
    },
    apply: (next) => {
      const old = server.url;
      memory.leave();
      known.rewrite({ writtenUrl: next.server.websocketUrl, framing: next.server.protocolVersion });
      server = serverOf(next, identity, known, version, stateLog);
      log.setLevel(next.log.level);
      // Whom to ask is decided at the start.
      const policy = { ...policyOf(next, server.url), setup: agent.state.policy.setup };
      const lessons = server.url === old ? {} : { lessons: noLessons(clock.now()) };
      agent.dispatch({ type: 'policy.changed', policy, ...lessons });
      // A good connection to the old server is renewed, beside it.
      if (server.url !== old) agent.dispatch({ type: 'reconnect.asked' });
    },
  });
  await control(agent, status, places, log, { memory, past }, closing, {
    hungUp() {
      supervised?.reloading();
      reload.asked();
      agent.dispatch({ type: 'reconnect.asked' });
      supervised?.reloaded();
    },
    leaving: () => supervised?.stopping(),
  });
  memory.follow(() => present(agent));
  past.follow(() => runNow(agent, clock.now() - startedAtMs));
  announce(
    { machine: board, loaded, problems: sentences.length, server, agent, panel, places, lastRun },
    log.of,
    networkMeans(),
  );
  const { failures = 0, trouble = null } = remembered ?? {};
  agent.dispatch({ type: 'agent.started', failures, loss: trouble });
  panel.start();
  const { listen, textfile } = config.metrics;
  // Loaded where it is wanted: it takes memory of a small board.
  if (listen !== '' || textfile !== '')
    metrics = (await import('./metrics.ts')).metricsOf(
      config,
      agent,
      () => statusOf(status),
      log.of('metrics'),
    );
  closing.push(() => metrics?.stop());
  supervised?.ready();
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

type World = Pick<
  AgentParts,
  | 'server'
  | 'setup'
  | 'tools'
  | 'dialer'
  | 'history'
  | 'lessons'
  | 'chimes'
  | 'mixer'
  | 'prefs'
  | 'prefsChanged'
  | 'lamp'
  | 'stepped'
> & {
  readonly network: NetworkWatch | undefined;
  readonly url: string;
};

async function build(config: Config, log: AgentLog, { network, url, ...world }: World): Promise<Agent> {
  const codec = await chooseCodec(config.audio.codec.backend, log.of('codec'));
  const audioLog = log.of('audio');
  const { input, output } = config.audio;
  const converter = rateConverter();
  audioLog.info({ codec: codec.name, input: input.device, output: output.device, converter }, 'audio');
  if (converter === 'linear')
    audioLog.warn(
      {},
      'ALSA has no good rate converter: apt-get install libasound2-plugins, or speech is understood badly',
    );
  return new Agent({
    policy: policyOf(config, url),
    ...world,
    clock,
    log,
    logOf: log.of,
    clockSync: clockSync({ clock }),
    ...(network === undefined ? {} : { network }),
    microphone: chooseMicrophone(config, log.of('microphone')),
    gainDb: config.audio.input.gainDb,
    speaker: await chooseSpeaker(config, log.of('speaker')),
    codec,
    encoder: { bitrateBps: config.audio.codec.bitrateBps, complexity: config.audio.codec.complexity },
    jitterMs: config.audio.output.jitterMs,
    prerollMs: config.audio.input.prerollMs,
    cue: (cue) => log.of('cue').info({ cue }, 'cue'),
  });
}

async function control(
  agent: Agent,
  parts: StatusParts,
  places: Places,
  log: AgentLog,
  { memory, past }: { readonly memory: Memory; readonly past: PostMortem },
  closing: readonly (() => void)[],
  on: { hungUp(): void; leaving(): void },
): Promise<void> {
  const { panel } = parts;
  const answers = {
    status: () => statusOf(parts),
    why: (count: number) => whyOf(parts, count),
    panel,
    log,
    clock,
  };
  const controlLog = log.of('control');
  const listening = await listenControl({
    runtimeDirectory: places.runtimeDirectory,
    clock,
    log: controlLog,
    answer: (request, client) => controlAnswer(request, client, agent, answers),
  });
  if ('refused' in listening) throw new Stop(EXIT.cannotRun, refusal(listening.refused, listening.detail));
  const keys = process.stdin.isTTY
    ? keyboard(process.stdin, clock.now, {
        space: () => agent.dispatch({ type: 'press.asked' }),
        quit: () => shutDown('q'),
      })
    : undefined;
  if (keys !== undefined) controlLog.info({}, 'the space bar is the button; q quits');
  const shutDown = (signal: string) => {
    log.of('start').info({ signal }, 'shutting down');
    process.once('SIGTERM', leave).once('SIGINT', leave);
    setTimeout(leave, SHUTDOWN_MS).unref();
    on.leaving();
    agent.dispatch({ type: 'shutdown.asked' });
    memory.close(true);
    past.close(`ended on request (${signal})`, true);
    panel.stop();
    for (const close of closing) close();
    listening.stop();
    keys?.stop();
  };
  const leave = () => {
    log.of('start').warn({}, 'not gone in time, or told twice: leaving at once');
    log.flush();
    // Not `exit`, which would wait for a thread that sits in a name lookup or in a sound card's driver. For systemd an end
    // by this signal is a clean one.
    process.removeAllListeners('SIGTERM');
    process.kill(process.pid, 'SIGTERM');
  };
  process.once('SIGTERM', shutDown).once('SIGINT', shutDown);
  process.on('SIGHUP', () => {
    // A terminal that is closed takes with it what runs on it; a service is told to try anew.
    if (process.stdin.isTTY) return shutDown('SIGHUP');
    controlLog.info({ signal: 'SIGHUP' }, 'reading the configuration anew, and trying now');
    on.hungUp();
  });
  process.once('exit', () => {
    // Of an end that nobody has asked for; after one that was, there is nothing left to write.
    for (const close of closing) close();
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
