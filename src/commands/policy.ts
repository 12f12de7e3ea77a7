// From the configuration to what the core and the connections need to know.
import { loadIdentity } from '../adapters/linux/identity.ts';
import type { Config } from '../config/schema.ts';
import type { Server } from '../connections.ts';
import type { Policy } from '../core/state.ts';
import type { Log } from '../ports.ts';
import { Stop } from './exit.ts';
import { authorization, readToken } from './token.ts';

const OFFICIAL_HOST = 'api.tenclass.net';
/** The official service says goodbye, aloud, after about 60 s without dialogue. */
const OFFICIAL_RENEW_MS = 50_000;

export function policyOf(config: Config): Policy {
  const { link, audio, button, turn, speech, server } = config;
  return {
    configured: server.websocketUrl !== '',
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
      assumedRenewMs: hostOf(server.websocketUrl) === OFFICIAL_HOST ? OFFICIAL_RENEW_MS : null,
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

export function serverOf(config: Config, stateDirectory: string, version: string, log: Log): Server {
  const { server, link } = config;
  const identity = loadIdentity(
    stateDirectory,
    {
      ...(server.deviceId === '' ? {} : { deviceId: server.deviceId }),
      ...(server.clientId === '' ? {} : { clientId: server.clientId }),
    },
    log,
  );
  const token = tokenReader(server.tokenFile, log);
  return {
    url: server.websocketUrl,
    headers: () => {
      const now = token();
      return {
        ...(now === undefined ? {} : { Authorization: authorization(now) }),
        'Protocol-Version': String(server.protocolVersion),
        'Device-Id': identity.deviceId,
        'Client-Id': identity.clientId,
      };
    },
    deadlineMs: link.connectTimeoutMs,
    ...(server.caFile === '' ? {} : { caFile: server.caFile }),
    framing: server.protocolVersion,
    device: { name: 'xiaozhi-agent', version },
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
