// Where files are, and what this package calls itself: the defaults of an installed box, each of them replaceable so
// that several instances, tests and people without root can run side by side.
import { readFileSync } from 'node:fs';

export type Places = {
  readonly configFile: string;
  readonly configMustExist: boolean;
  readonly stateDirectory: string;
  readonly runtimeDirectory: string;
};

const CONFIG_FILE = '/etc/xiaozhi-agent/config.toml';
const STATE_DIRECTORY = '/var/lib/xiaozhi-agent';
const RUNTIME_DIRECTORY = '/run/xiaozhi-agent';

/** The options that every command takes. */
export const placeOptions = {
  config: { type: 'string' },
  'state-dir': { type: 'string' },
  'runtime-dir': { type: 'string' },
} as const;

export type PlaceValues = {
  readonly config?: string | undefined;
  readonly 'state-dir'?: string | undefined;
  readonly 'runtime-dir'?: string | undefined;
};

/** systemd names the directories it has made in STATE_DIRECTORY and RUNTIME_DIRECTORY. */
export function placesFrom(values: PlaceValues, environment: NodeJS.ProcessEnv): Places {
  return {
    configFile: values.config ?? CONFIG_FILE,
    configMustExist: values.config !== undefined,
    stateDirectory: values['state-dir'] ?? environment.STATE_DIRECTORY ?? STATE_DIRECTORY,
    runtimeDirectory: values['runtime-dir'] ?? environment.RUNTIME_DIRECTORY ?? RUNTIME_DIRECTORY,
  };
}

export function packageVersion(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return String((JSON.parse(text) as { version?: unknown }).version);
}
