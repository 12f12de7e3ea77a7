// Who this box is to a server: a MAC-shaped device id and a client id, made once and kept. Knows the file, not the wire.
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Log } from '../../ports.ts';
import { isOutOfReach } from './out-of-reach.ts';
import { ownMacs } from './own-mac.ts';

export type Identity = { readonly deviceId: string; readonly clientId: string };

/** Where the board says who it is; a test has a board of its own. */
export type Board = {
  readonly macs: () => readonly string[];
  /** Copied with a card, and made only once on each. */
  readonly systemFile: string;
  /** Of the hardware; many boards have none. */
  readonly numberFile: string;
};

const THIS_BOARD: Board = {
  macs: ownMacs,
  systemFile: '/etc/machine-id',
  numberFile: '/proc/device-tree/serial-number',
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
  const marks = marksOf(board);
  const found = read(path, log);
  const kept = isOfAnother(found, marks, board) ? strangersLeft(found, log) : found;
  const own = {
    deviceId: kept.deviceId ?? board.macs()[0] ?? randomMac(),
    clientId: kept.clientId ?? randomUUID(),
  };
  const { deviceId: device_id, clientId: client_id } = own;
  const isKept = found.deviceId === device_id && found.clientId === client_id && isMarked(found, marks);
  // What the owner has written down may be for this once: the box's own is kept, and is there again afterwards.
  const identity = { ...own, ...wanted };
  if (found.isOutOfReach || isKept) return identity;
  const { machine: _, ...rest } = { machine: undefined, ...kept.file };
  // A mark that cannot be told at this start is as it was.
  write(stateDirectory, path, { ...rest, device_id, client_id, ...written(marks) }, log);
  return identity;
}

/** Who the box is by a file that is only looked at: nothing is made, mended or written. */
export function keptIdentity(
  file: object,
  wanted: Partial<Identity>,
  board: Board = THIS_BOARD,
): { readonly identity: Identity | null; readonly isCopied: boolean } {
  const kept = keptIn(file);
  const { deviceId, clientId } = { ...kept, ...wanted };
  return {
    identity: deviceId === undefined || clientId === undefined ? null : { deviceId, clientId },
    isCopied: isOfAnother(kept, marksOf(board), board),
  };
}

/** What tells one machine from another. `machine`: both in one, as older versions of this program wrote them. */
type Marks = { readonly system?: string; readonly board?: string; readonly machine?: string };

function marksOf({ systemFile, numberFile }: Board): Marks {
  const [system, number] = [textIn(systemFile), textIn(numberFile)];
  const both = [system, number].filter((id) => id !== '');
  return {
    ...(system === '' ? {} : { system: markOf(system) }),
    ...(number === '' ? {} : { board: markOf(number) }),
    ...(both.length === 0 ? {} : { machine: markOf(both.join(' ')) }),
  };
}

/** The ids themselves are nobody's business but the machine's (machine-id(5)). */
function markOf(id: string): string {
  return createHash('sha256').update(`xiaozhi-agent ${id}`).digest('hex').slice(0, 32);
}

function isMarked(found: Marks, { system, board }: Marks): boolean {
  const isAsNow = (kept: string | undefined, now: string | undefined) => now === undefined || kept === now;
  return isAsNow(found.system, system) && isAsNow(found.board, board) && found.machine === undefined;
}

const written = ({ system, board }: Marks) => ({
  ...(system === undefined ? {} : { system }),
  ...(board === undefined ? {} : { board }),
});

function textIn(file: string): string {
  try {
    // The kernel ends the number with a NUL.
    return readFileSync(file, 'utf8').replaceAll('\0', '').trim();
  } catch {
    return '';
  }
}

/**
 * The number of the board decides where it is known; a system, where it is not. A new system, or a repaired board, is the
 * same one all the same when the address it has given itself is still there.
 */
function isOfAnother(kept: Kept, now: Marks, board: Board): boolean {
  const alike =
    isSame(kept.board, now.board) ?? isSame(kept.system, now.system) ?? isSame(kept.machine, now.machine);
  if (alike !== false) return false;
  return kept.deviceId === undefined || !board.macs().includes(kept.deviceId);
}

/** Null: nothing to compare. */
function isSame(kept: string | undefined, now: string | undefined): boolean | null {
  return kept === undefined || now === undefined ? null : kept === now;
}

function strangersLeft({ deviceId }: Kept, log: Log): Kept {
  log.warn(
    { was: deviceId },
    'this card was in another board: the box gets an identity of its own, and its server may ask to activate it',
  );
  return { file: {} };
}

type Kept = Marks & {
  readonly deviceId?: string;
  readonly clientId?: string;
  readonly file: object;
  /** There may be one, and it is not known. */
  readonly isOutOfReach?: true;
};

function read(path: string, log: Log): Kept {
  try {
    const file: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof file !== 'object' || file === null) throw new Error('not a JSON object');
    return keptIn(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { file: {} };
    if (isOutOfReach(error)) {
      const remedy = `sudo chown --reference=${dirname(path)} ${path}`;
      log.error(
        { path, error },
        `the identity is left as it is, for it cannot be read: the box is a stranger to its server until it can (${remedy}, then restart)`,
      );
      return { file: {}, isOutOfReach: true };
    }
    log.warn({ path, error }, 'identity cannot be read: a new one is made; a server may ask to activate it');
    setAside(path);
    return { file: {} };
  }
}

function keptIn(file: object): Kept {
  const { device_id, client_id, system, board, machine } = file as Record<string, unknown>;
  return {
    file,
    ...(typeof device_id === 'string' && MAC.test(device_id) ? { deviceId: device_id } : {}),
    ...(typeof client_id === 'string' && UUID.test(client_id) ? { clientId: client_id } : {}),
    ...(typeof system === 'string' ? { system } : {}),
    ...(typeof board === 'string' ? { board } : {}),
    ...(typeof machine === 'string' ? { machine } : {}),
  };
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
