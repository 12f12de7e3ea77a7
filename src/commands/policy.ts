// From the configuration to what the core and the connections need to know.
import { type Identity, loadIdentity } from '../adapters/linux/identity.ts';
import type { Config } from '../config/schema.ts';
import type { Server } from '../connections.ts';
import type { Policy } from '../core/state.ts';
import type { KnownServer } from '../known-server.ts';
import { Secrets } from '../log/secrets.ts';
import type { Log } from '../ports.ts';
import { OFFICIAL_HOST } from '../protocol/configuration.ts';
import { Stop } from './exit.ts';
import { authorization, readToken } from './token.ts';

/** The official service says goodbye, aloud, after about 60 s without dialogue. */
const OFFICIAL_RENEW_MS = 50_000;

/** @param url of the server, as far as it is known at the start */
export function policyOf(config: Config, url: string = config.server.websocketUrl): Policy {
  const { link, audio, button, turn, speech, server } = config;
  const isOfficial = [url, server.otaUrl].some((one) => hostOf(one) === OFFICIAL_HOST);
  return {
    configured: url !== '',
    setup: { asks: server.otaUrl !== '' },
    link: {
      mode: link.mode,
      maxAttempts: link.maxAttempts,
      backoffBaseMs: link.backoffBaseMs,
      backoffCapMs: link.backoffCapMs,
      firstRetryMs: link.firstRetryMs,
      connectTimeoutMs: link.connectTimeoutMs,
      helloTimeoutMs: link.helloTimeoutMs,
      pingIntervalMs: link.pingIntervalMs,
      pingTimeoutMs: link.pingTimeoutMs,
      monitorIntervalMs: link.monitorIntervalMs,
      renew: link.renew,
      assumedRenewMs: isOfficial ? OFFICIAL_RENEW_MS : null,
      restAfterMs: link.restAfterMin * 60_000,
      version: server.protocolVersion,
    },
    // The daemon always comes back; its limit is the configured one.
    limits: { enabled: true, maxAttempts: 0 },
    gesture: { mode: button.mode, holdAfterMs: button.holdAfterMs, doubleMs: button.doubleMs },
    turn: {
      mode: turn.mode,
      followUp: turn.followUp,
      standby: audio.input.standby,
      offlineHoldMs: turn.offlineHoldMs,
      unsolicited: speech.unsolicited,
    },
  };
}

export function identityOf(config: Config, stateDirectory: string, log: Log): Identity {
  return loadIdentity(stateDirectory, wantedIdentity(config), log);
}

/** What the owner has written down of it. */
export function wantedIdentity({ server }: Config): Partial<Identity> {
  return {
    ...(server.deviceId === '' ? {} : { deviceId: server.deviceId }),
    ...(server.clientId === '' ? {} : { clientId: server.clientId }),
  };
}

/**
 * Where to, and with which token, is found out anew for each attempt: the owner or a configuration call may have changed it.
 * @param secrets learn each token before it is sent
 */
export function serverOf(
  { server, link }: Config,
  identity: Identity,
  known: KnownServer,
  version: string,
  log: Log,
  secrets: Secrets = new Secrets(),
): Server {
  const token = tokenReader(server.tokenFile, log);
  return {
    get url() {
      return known.url;
    },
    headers: () => {
      const now = (server.tokenFile === '' ? known.token : token()) || undefined;
      if (now !== undefined) secrets.know(now);
      return {
        ...(now === undefined ? {} : { Authorization: authorization(now) }),
        'Protocol-Version': String(known.framing),
        'Device-Id': identity.deviceId,
        'Client-Id': identity.clientId,
      };
    },
    deadlineMs: link.connectTimeoutMs,
    ...(server.caFile === '' ? {} : { caFile: server.caFile }),
    get framing() {
      return known.framing;
    },
    device: { name: 'xiaozhi-agent', version },
    blanked: secrets.blanked,
  };
}

/**
 * Reads the token anew for each attempt, so that a mended file counts at once. Without its token the box still runs,
 * answers its button, and says why the server turns it away; once, not at every attempt.
 */
function tokenReader(file: string, log: Log): () => string | undefined {
  let said: string | undefined;
  return () => {
    if (file === '') return undefined;
    try {
      const token = readToken(file);
      said = undefined;
      return token;
    } catch (error) {
      if (!(error instanceof Stop)) throw error;
      if (error.message !== said) log.error({}, error.message);
      said = error.message;
      return undefined;
    }
  };
}

function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}
