// What may be wrong with an address that a server gave us, in plain words for whoever set that server up. Pure.

/** Names that mean something inside a container network, or on the machine that said them. */
const INSIDE = /^(localhost|127\.|0\.0\.0\.0$|\[::1?\]$|host\.docker\.internal$|172\.1[7-9]\.)/;

/** Null: it can be used, as far as can be seen from here. */
export function urlFault(url: unknown): string | null {
  if (typeof url !== 'string' || url.trim() === '')
    return 'the server names no WebSocket address (it is empty): set it in the console of the server';
  if (/^https?:/i.test(url))
    return `the server names ${shown(url)}, which is a web address: it must begin with ws:// or wss://`;
  if (!/^wss?:\/\//i.test(url) || !URL.canParse(url))
    return `the server names ${shown(url)}, which is no WebSocket address`;
  const { username, password } = new URL(url);
  if (username !== '' || password !== '')
    return 'the WebSocket address of the server carries a password: refused';
  return null;
}

/**
 * Null: no reason to doubt it. A server that names itself as it is known inside Docker is reached from nowhere else; unless
 * it was called by that very name.
 */
export function urlDoubt(url: string, asked: string): string | null {
  const { hostname } = new URL(url);
  if (URL.canParse(asked) && new URL(asked).hostname === hostname) return null;
  const isBare = !hostname.includes('.') && !hostname.includes(':') && hostname !== '';
  if (!INSIDE.test(hostname) && !isBare) return null;
  return `the server names ${shown(url)}, an address that only works on its own machine or inside Docker: set its WebSocket address to one that this box can reach`;
}

/** Not followed: `elsewhere` is another server, `uncovered` the same or another one without encryption. */
export type Move = 'followed' | 'elsewhere' | 'uncovered';

/** Only an answer that nobody on the way can have changed may send the box elsewhere. */
export function moveBy(asked: string, from: string | null, to: string, allowed: boolean): Move {
  if (isProtected(asked) || from === null) return 'followed';
  // What goes to the server, its token first of all, would be readable on the way: no setting allows that to such an answer.
  if (isSecure(from) && !isSecure(to)) return 'uncovered';
  return allowed || hostOf(from) === hostOf(to) ? 'followed' : 'elsewhere';
}

const REMEDIES = {
  elsewhere: 'set server.allow_http_move, or use https for server.ota_url',
  uncovered: 'use https for server.ota_url',
} as const;

/** What the owner reads who has moved the server, and does not find the box there. */
export function moveRefusal(to: string, move: keyof typeof REMEDIES): string {
  return `the server names ${shown(to)} over plain http, which anybody on the way can change: not followed; ${REMEDIES[move]}`;
}

function isProtected(asked: string): boolean {
  return /^https:\/\//i.test(asked);
}

function isSecure(url: string): boolean {
  return /^wss:\/\//i.test(url);
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : '';
}

function shown(url: string): string {
  // Without what might be a secret.
  return `"${url
    .slice(0, 100)
    .replace(/[?#].*$/s, '')
    .replace(/\p{Cc}/gu, ' ')}"`;
}
