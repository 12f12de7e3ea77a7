// Who this box is to a server: a MAC-shaped device id and a client id, made once and kept. Knows the file, not the wire.
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { Log } from '../../ports.ts';

export type Identity = { readonly deviceId: string; readonly clientId: string };

const FILE_NAME = 'identity.json';
const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** Interfaces of containers and tunnels come and go; the box is known by its own. */
const NOT_OURS = /^(lo|docker|br-|veth|virbr|zt|cni|tun|tap|wg|tailscale)/;
const NO_MAC = '00:00:00:00:00:00';

/** Reads the identity, or makes one. Tokens are bound to it, so it is never changed behind the user's back. */
export function loadIdentity(stateDirectory: string, wanted: Partial<Identity>, log: Log): Identity {
  const path = join(stateDirectory, FILE_NAME);
  const kept = read(path, log);
  const identity = {
    deviceId: wanted.deviceId ?? kept.deviceId ?? ownMac() ?? randomMac(),
    clientId: wanted.clientId ?? kept.clientId ?? randomUUID(),
  };
  if (kept.deviceId !== identity.deviceId || kept.clientId !== identity.clientId)
    write(
      stateDirectory,
      path,
      { ...kept.file, device_id: identity.deviceId, client_id: identity.clientId },
      log,
    );
  return identity;
}

type Kept = { deviceId?: string; clientId?: string; file: object };

function read(path: string, log: Log): Kept {
  try {
    const file: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof file !== 'object' || file === null) throw new Error('not a JSON object');
    const { device_id, client_id } = file as Record<string, unknown>;
    return {
      file,
      ...(typeof device_id === 'string' && MAC.test(device_id) ? { deviceId: device_id } : {}),
      ...(typeof client_id === 'string' && UUID.test(client_id) ? { clientId: client_id } : {}),
    };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { file: {} };
    log.warn({ path, error }, 'identity cannot be read: a new one is made; a server may ask to activate it');
    setAside(path);
    return { file: {} };
  }
}

/** What could not be understood may still be of use to a person. */
function setAside(path: string): void {
  try {
    renameSync(path, `${path}.bad`);
  } catch {
    // Then it cannot be replaced either, which `write` will say.
  }
}

function write(directory: string, path: string, content: object, log: Log): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o750 });
    const next = `${path}.new`;
    writeFileSync(next, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600, flush: true });
    renameSync(next, path);
  } catch (error) {
    log.warn(
      { path, error },
      'identity cannot be kept: the box will be a stranger to its server after the next start (use --state-dir)',
    );
  }
}

function ownMac(): string | undefined {
  for (const [name, addresses] of Object.entries(networkInterfaces()).sort()) {
    if (NOT_OURS.test(name)) continue;
    const mac = addresses?.find((address) => address.mac !== NO_MAC)?.mac.toLowerCase();
    if (mac !== undefined && MAC.test(mac)) return mac;
  }
  return undefined;
}

/** Locally administered and unicast, as made-up addresses must be. */
function randomMac(): string {
  const bytes = randomBytes(6);
  bytes[0] = ((bytes[0] ?? 0) & 0xfe) | 0x02;
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}
