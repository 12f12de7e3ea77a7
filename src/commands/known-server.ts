// From the configuration to the calls that tell the box its server and whose it is. Builds them and decides nothing.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { signed } from '../adapters/linux/board-key.ts';
import { clock } from '../adapters/linux/clock.ts';
import type { Identity } from '../adapters/linux/identity.ts';
import { nodeWeb } from '../adapters/linux/node-web.ts';
import { stateFile } from '../adapters/linux/state-file.ts';
import type { Config } from '../config/schema.ts';
import { KnownServer, type Written } from '../known-server.ts';
import type { Log, Store } from '../ports.ts';
import type { Caller } from '../protocol/configuration.ts';
import { SetupCalls } from '../setup-calls.ts';
import type { Places } from './places.ts';

/** Beside the identity, for it belongs to it: whoever copies one has both. */
export const STATE_FILE = 'identity.json';
/** Its name in the runtime directory (issue 8). */
const CODE_FILE = 'activation';

export function knownServerOf(config: Config, stateDirectory: string, log: Log): KnownServer {
  return knownServerIn(config, stateFile({ directory: stateDirectory, name: STATE_FILE, log }), log);
}

export function knownServerIn({ server }: Config, store: Store, log: Log): KnownServer {
  return new KnownServer({
    store,
    log,
    asked: server.otaUrl,
    ...writtenIn(server),
    mayMoveByHttp: server.allowHttpMove,
  });
}

export function writtenIn(server: Config['server']): Written {
  return {
    writtenUrl: server.websocketUrl,
    framing: server.protocolVersion,
    hasToken: server.tokenFile !== '',
  };
}

type Parts = {
  readonly known: KnownServer;
  readonly caller: () => Caller;
  readonly places: Places;
  /** A text of the server without the tokens it may quote. */
  readonly blanked: (text: string) => string;
  readonly log: Log;
  /** Called with what must be done before the process leaves. */
  readonly closing: (close: () => void) => void;
};

/** @param about with `address`: the box's own, as far as it is known */
export function callerOf(
  { server }: Config,
  about: { readonly identity: Identity; readonly version: string; readonly address: () => string },
): Caller {
  const proves = server.serialNumber !== '' && server.serialKeyFile !== '';
  return {
    ...about.identity,
    language: server.language,
    version: about.version,
    serial: proves ? server.serialNumber : null,
    ip: about.address(),
  };
}

/** Undefined where nobody is to be asked. */
export function setupOf({ server }: Config, parts: Parts): SetupCalls | undefined {
  if (server.otaUrl === '') return undefined;
  const { caller, places, known, blanked, log, closing } = parts;
  const post = (code: string | null) =>
    postCode(join(places.runtimeDirectory, CODE_FILE), places.runtimeDirectory, code, log);
  closing(() => post(null));
  if (server.otaUrl.toLowerCase().startsWith('http://'))
    log.info(
      { url: server.otaUrl },
      'the server is asked over plain http: anybody on the way can read and change it',
    );
  return new SetupCalls({
    web: nodeWeb({ clock }),
    url: server.otaUrl,
    ...(server.caFile === '' ? {} : { caFile: server.caFile }),
    caller,
    sign: (challenge) => signed(server.serialKeyFile, challenge),
    known,
    blanked,
    log,
    post,
  });
}

/** For whoever logs in, and for other programs of the box, such as one with a display. */
function postCode(path: string, directory: string, code: string | null, log: Log): void {
  try {
    if (code === null) return rmSync(path, { force: true });
    mkdirSync(directory, { recursive: true });
    writeFileSync(path, `${code}\n`, { mode: 0o644 });
  } catch (error) {
    log.warn({ path, error }, 'the activation code cannot be put where others find it');
  }
}
