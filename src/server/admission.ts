// Decides from an upgrade request's headers who may come in, and tells those who may not what is wrong in words a
// person can act on. Pure: knows nothing of sockets and sessions.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { FramingVersion } from '../protocol/framing.ts';

export type Admission =
  | {
      readonly ok: true;
      readonly deviceId: string;
      readonly clientId: string;
      readonly framing: FramingVersion;
    }
  | { readonly ok: false; readonly status: 400 | 401; readonly text: string };

/** Lower and upper case, colons and dashes: what the open servers accept as well. */
const MAC = /^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i;

/** A UUID has 36 characters; more than this is no identity but a way to fill the log. */
const CLIENT_ID_LIMIT = 64;

export function admit(headers: IncomingHttpHeaders, token: string | undefined): Admission {
  const deviceId = one(headers['device-id']);
  if (deviceId === '')
    return refusal(400, 'Device-Id is missing: expected a MAC address like aa:bb:cc:dd:ee:ff');
  if (!MAC.test(deviceId)) {
    return refusal(400, 'Device-Id is wrong: expected a MAC address like aa:bb:cc:dd:ee:ff');
  }
  const clientId = one(headers['client-id']);
  if (clientId === '') return refusal(400, 'Client-Id is missing: expected a UUID');
  if (clientId.length > CLIENT_ID_LIMIT) {
    return refusal(400, `Client-Id is wrong: longer than ${CLIENT_ID_LIMIT} characters`);
  }
  if (token !== undefined && token !== '') {
    const offered = one(headers.authorization);
    if (offered === '') return refusal(401, 'Authorization is missing: expected Bearer and the token');
    if (!same(offered, `Bearer ${token}`)) {
      return refusal(401, 'Authorization is wrong: not Bearer and the token of this server');
    }
  }
  const framing = framingOf(one(headers['protocol-version']));
  if (framing === undefined) return refusal(400, 'Protocol-Version is wrong: expected 1, 2 or 3');
  return { ok: true, deviceId: deviceId.toLowerCase(), clientId, framing };
}

function refusal(status: 400 | 401, text: string): Admission {
  return { ok: false, status, text };
}

function one(header: string | readonly string[] | undefined): string {
  return typeof header === 'string' ? header.trim() : (header?.[0] ?? '').trim();
}

function framingOf(text: string): FramingVersion | undefined {
  switch (text) {
    case '':
    case '1':
      return 1;
    case '2':
      return 2;
    case '3':
      return 3;
    default:
      return undefined;
  }
}

/** Takes as long for a nearly right token as for a wrong one: digests have one length and are compared whole. */
function same(offered: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(offered), digest(expected));
}
