// Who this box is to a server: a MAC-shaped device id and a client id, made once and kept. Knows the file, not the wire.
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../../ports.ts';
import { ownMacs } from './own-mac.ts';

export type Identity = { readonly deviceId: string; readonly clientId: string };

/** Where the board says who it is; a test has a board of its own. */
export type Board = { readonly macs: () => readonly string[]; readonly idFiles: readonly string[] };

/** A system's id is copied with its card, on which it is made only once; the number of the board, where it has one, is not. */
const THIS_BOARD: Board = {
  macs: ownMacs,
  idFiles: ['/etc/machine-id', '/proc/device-tree/serial-number'],
};

const FILE_NAME = 'identity.json';
const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Reads the identity, or makes one. Tokens are bound to it, so it is never changed behind the user's back: not by another
 * interface, nor by a new system on the same board. Only a card that was copied into another board must not go on as the
 * first one: two boxes of one name take the connection from each other.
 */
export function loadIdentity(
  stateDirectory: string,
  wanted: Partial<Identity>,
  log: Log,
  board: Board = THIS_BOARD,
): Identity {
  const path = join(stateDirectory, FILE_NAME);
  const machine = machineMark(board.idFiles);
  const found = read(path, log);
  const kept = isOfAnother(found, machine, board) ? strangersLeft(found, log) : found;
  const identity = {
    deviceId: wanted.deviceId ?? kept.deviceId ?? board.macs()[0] ?? randomMac(),
    clientId: wanted.clientId ?? kept.clientId ?? randomUUID(),
  };
  const { deviceId: device_id, clientId: client_id } = identity;
  const isKept = found.deviceId === device_id && found.clientId === client_id;
  if (!isKept || (machine !== undefined && found.machine !== machine))
    write(
      stateDirectory,
      path,
      { ...kept.file, device_id, client_id, ...(machine === undefined ? {} : { machine }) },
      log,
    );
  return identity;
}

/** The ids themselves are nobody's business but the machine's (machine-id(5)). */
function machineMark(files: readonly string[]): string | undefined {
  const ids = files.map(textIn).filter((id) => id !== '');
  if (ids.length === 0) return undefined;
  return createHash('sha256')
    .update(`xiaozhi-agent ${ids.join(' ')}`)
    .digest('hex')
    .slice(0, 32);
}

function textIn(file: string): string {
  try {
    // The kernel ends the number with a NUL.
    return readFileSync(file, 'utf8').replaceAll('\0', '').trim();
  } catch {
    return '';
  }
}

/** A new system on the same board has another id too; but then the board's own address is still the same. */
function isOfAnother({ machine, deviceId }: Kept, now: string | undefined, board: Board): boolean {
  if (machine === undefined || now === undefined || machine === now) return false;
  return deviceId === undefined || !board.macs().includes(deviceId);
}

function strangersLeft({ deviceId }: Kept, log: Log): Kept {
  log.warn(
    { was: deviceId },
    'this card was in another board: the box gets an identity of its own, and its server may ask to activate it',
  );
  return { file: {} };
}

type Kept = { deviceId?: string; clientId?: string; machine?: string; file: object };

function read(path: string, log: Log): Kept {
  try {
    const file: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof file !== 'object' || file === null) throw new Error('not a JSON object');
    const { device_id, client_id, machine } = file as Record<string, unknown>;
    return {
      file,
      ...(typeof device_id === 'string' && MAC.test(device_id) ? { deviceId: device_id } : {}),
      ...(typeof client_id === 'string' && UUID.test(client_id) ? { clientId: client_id } : {}),
      ...(typeof machine === 'string' ? { machine } : {}),
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

/** Locally administered and unicast, as made-up addresses must be. */
function randomMac(): string {
  const bytes = randomBytes(6);
  bytes[0] = ((bytes[0] ?? 0) & 0xfe) | 0x02;
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}
