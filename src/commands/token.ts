// The access token, from its file. It is never an argument, an address or a log line.
import { readFileSync } from 'node:fs';
import { isToken } from '../protocol/configuration.ts';
import { EXIT, Stop } from './exit.ts';

export function readToken(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new Stop(EXIT.failed, `the token file cannot be read: ${(error as Error).message}`);
  }
  if (!isToken(text))
    throw new Stop(EXIT.failed, `the token file ${path} must hold one token on one line, in plain ASCII`);
  return text;
}

/** A token with a space in it brings its own scheme, as in the reference firmware. */
export function authorization(token: string): string {
  return token.includes(' ') ? token : `Bearer ${token}`;
}
