// A sound card without hardware: PulseAudio with two null sinks behind ALSA names, so that arecord and aplay run as
// they do on a board. For the demo and the tests; touches nothing of the machine's own sound, and leaves nothing.

import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm, rmdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** Started in 0.2 s here; a Pi with a slow card and other work gets fifty times that. */
const READY_DEADLINE_MS = 10_000;
const READY_POLL_MS = 20;
/** PulseAudio leaves within 0.1 s of a SIGTERM; longer means that it hangs. */
const STOP_DEADLINE_MS = 3000;
/** Without any client for so long, our own process must have been killed before it could stop the server. */
const ORPHAN_LIFE_S = 300;
/** sun_path of unix(7), its closing zero included. */
const MAX_SOCKET_PATH_BYTES = 107;
const MAX_COMPLAINT_CHARS = 2000;

export type VirtualCard = {
  /** To be added to a child's environment. */
  readonly environment: Record<string, string>;
  /** For the agent: `arecord -D` and `aplay -D`. */
  readonly microphone: 'mic';
  readonly speaker: 'spk';
  /** For whoever plays the person before the box: `aplay -D` here is heard by the microphone … */
  readonly speakInto: 'mic_in';
  /** … and `arecord -D` here hears the speaker. */
  readonly listenTo: 'spkmon';
  stop(): Promise<void>;
};

type Environment = Readonly<Record<string, string | undefined>>;
type Pulse = {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: Record<string, string>;
};

/** Works in a new folder of its own inside `directory`. */
export async function startVirtualCard(
  directory: string,
  environment: Environment = process.env,
): Promise<VirtualCard> {
  const pulse = findPulse(environment);
  const created = await mkdir(directory, { recursive: true });
  const folder = await mkdtemp(join(directory, 'card-'));
  let child: ChildProcess | undefined;

  async function stop(): Promise<void> {
    if (child !== undefined) await end(child);
    await rm(folder, { recursive: true, force: true });
    // Only if this made it, and only if nobody else has put anything there since.
    if (created !== undefined) await rmdir(directory).catch(() => undefined);
  }

  try {
    const socket = join(folder, 'native');
    if (Buffer.byteLength(socket) > MAX_SOCKET_PATH_BYTES)
      throw new Error(`path too long for a socket: ${socket}`);
    const configuration = join(folder, 'asound.conf');
    await writeFile(configuration, alsaConfiguration);
    const own = {
      ...pulse.environment,
      // Neither side may look at, or create, anything of the user's PulseAudio.
      PULSE_RUNTIME_PATH: folder,
      PULSE_STATE_PATH: folder,
      PULSE_COOKIE: join(folder, 'cookie'),
    };
    child = spawn(pulse.command, [...pulse.args, ...serverArguments(socket)], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...environment, ...own, HOME: folder, XDG_RUNTIME_DIR: folder, XDG_CONFIG_HOME: folder },
    });
    await ready(child, socket);
    return {
      environment: { ...own, PULSE_SERVER: `unix:${socket}`, ALSA_CONFIG_PATH: configuration },
      microphone: 'mic',
      speaker: 'spk',
      speakInto: 'mic_in',
      listenTo: 'spkmon',
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const alsaConfiguration = `</usr/share/alsa/alsa.conf>
pcm.!default { type pulse }
ctl.!default { type pulse }
pcm.spk { type pulse device "spk" }
pcm.spkmon { type pulse device "spk.monitor" }
pcm.mic { type pulse device "mic.monitor" }
pcm.mic_in { type pulse device "mic" }
`;

function serverArguments(socket: string): readonly string[] {
  // Without norewinds a null sink renders two seconds ahead, and so late is what its monitor hears.
  const sink = 'module-null-sink rate=48000 format=s16le norewinds=1';
  return [
    '-n',
    '--daemonize=no',
    '--fail=yes',
    `--exit-idle-time=${ORPHAN_LIFE_S}`,
    '--use-pid-file=no',
    '--high-priority=no',
    '--realtime=no',
    // A client that is killed would leave its shared memory behind.
    '--disable-shm=yes',
    '--log-target=stderr',
    '-L',
    `${sink} sink_name=spk channels=2`,
    '-L',
    `${sink} sink_name=mic channels=1`,
    // Last: who can connect finds both sinks.
    '-L',
    `module-native-protocol-unix socket=${socket} auth-anonymous=1 auth-cookie-enabled=0`,
  ];
}

async function ready(child: ChildProcess, socket: string): Promise<void> {
  let complaint = '';
  let gone: string | undefined;
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-MAX_COMPLAINT_CHARS);
  });
  child.once('error', (error) => {
    gone = error.message;
  });
  child.once('close', (code) => {
    gone ??= `exit code ${String(code)}: ${complaint.trim()}`;
  });
  const deadline = AbortSignal.timeout(READY_DEADLINE_MS);
  while (!(await connects(socket))) {
    if (gone !== undefined) throw new Error(`pulseaudio did not start: ${gone}`);
    if (deadline.aborted)
      throw new Error(`pulseaudio was not ready in ${READY_DEADLINE_MS} ms: ${complaint.trim()}`);
    await pause(READY_POLL_MS);
  }
}

function connects(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null)
    return Promise.resolve();
  return new Promise((resolve) => {
    const impatience = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
    child.once('exit', () => {
      clearTimeout(impatience);
      resolve();
    });
    child.kill('SIGTERM');
  });
}

/** Installed, or unpacked into a cache folder where installing it would take the card from another sound server. */
function findPulse(environment: Environment): Pulse {
  for (const folder of (environment.PATH ?? '').split(delimiter)) {
    const command = join(folder, 'pulseaudio');
    if (folder !== '' && isProgram(command)) return { command, args: [], environment: {} };
  }
  const cache = environment.XDG_CACHE_HOME ?? join(environment.HOME ?? '/', '.cache');
  const root = environment.XIAOZHI_PULSE_ROOT ?? join(cache, 'xiaozhi-agent', 'pulse');
  const command = join(root, 'usr', 'bin', 'pulseaudio');
  if (!isProgram(command)) {
    throw new Error(`pulseaudio is neither in PATH nor in ${root}: run deploy/prerequisites.sh demo`);
  }
  const lib = join(root, 'usr', 'lib');
  const folders = list(lib).map((name) => join(lib, name));
  const triplets = folders.filter((folder) => list(folder).includes('pulseaudio'));
  const libraries = triplets.flatMap((folder) => [folder, join(folder, 'pulseaudio')]);
  const modules = folders
    .flatMap((folder) => [folder, ...list(folder).map((name) => join(folder, name))])
    .map((folder) => join(folder, 'modules'))
    .find((folder) => list(folder).includes('module-null-sink.so'));
  const search = [...libraries, environment.LD_LIBRARY_PATH].filter((path) => path !== undefined);
  return {
    command,
    args: modules === undefined ? [] : [`--dl-search-path=${modules}`],
    // The children need it too: ALSA's pulse plug-in links against the same libraries.
    environment: { LD_LIBRARY_PATH: search.join(delimiter), ...alsaPlugins(triplets) },
  };
}

/** ALSA's plug-in for PulseAudio may itself be among what was unpacked. */
function alsaPlugins(triplets: readonly string[]): Record<string, string> {
  const plugin = 'libasound_module_pcm_pulse.so';
  const isInstalled = list('/usr/lib').some((name) =>
    list(join('/usr/lib', name, 'alsa-lib')).includes(plugin),
  );
  const unpacked = triplets
    .map((folder) => join(folder, 'alsa-lib'))
    .find((folder) => list(folder).includes(plugin));
  return isInstalled || unpacked === undefined ? {} : { ALSA_PLUGIN_DIR: unpacked };
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
