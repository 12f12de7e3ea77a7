// What may leave the box in a report: text without secrets, and without what would let somebody pose as this box. Pure.
import { escaped } from '../log/line.ts';
import { shownText } from '../log/shown.ts';

/** Shorter ones would blank parts of ordinary words. */
const SHORTEST_SECRET = 4;
/** As long as a line of a log may be, with room. */
const LONGEST_LINE = 2_000;
const MAC = /\b([0-9a-f]{2})([:-])(?:[0-9a-f]{2}\2){4}([0-9a-f]{2})\b/gi;
const UUID = /\b([0-9a-f]{4})[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi;
/**
 * `password = "x"`, `psk=x`, `"token": "x"`; not `token_file = …`, not whether there is one (`token=true`), and not what a check
 * says of it (`token: server.token_file is empty`): a token is no word in a sentence.
 */
const ASSIGNED =
  /((?:^|[\s"'{,_.-])(?:token|password|passwd|secret|psk|authorization)["']?\s*[:=]\s*)(?!\[redacted\]|(?:true|false)\b|(?<=token: )[a-z_.]+ [a-z/])("[^"]*"|'[^']*'|[^\s,}]+)/gi;

/** @param secrets known ones, blanked wherever they stand */
export function redacted(text: string, secrets: readonly string[]): string {
  const without = secrets
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .reduce((left, secret) => left.replaceAll(secret, '[redacted]'), text);
  return without
    .split('\n')
    .map((line) => escaped(shownText(line, LONGEST_LINE)).replaceAll('\\u0009', '  '))
    .map((line) => line.replace(ASSIGNED, '$1[redacted]').replace(MAC, '$1$2…$2$3').replace(UUID, '$1…'))
    .join('\n');
}
