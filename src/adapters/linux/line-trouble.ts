// Why a line or an input device cannot be had, out of what the system or a program said: the word that policy reads, and
// the sentence with what the owner can do. Knows no program's flags and no port's order of calls.

import { readFileSync, statSync } from 'node:fs';
import type { ButtonTrouble } from '../../ports.ts';

/** The limit that every reason in this project keeps. */
const MAX_REASON_CHARS = 200;

export type LineContext = {
  /** What was asked for, as people know it: `BCM 17 = header pin 11`. */
  readonly line: string;
  /** The group that may, where the file itself does not tell. */
  readonly group: string;
  /** Who has the line, where that can be found out. */
  readonly holder?: string | undefined;
};

/** @param said an error of Node's with a code, or a program's words, which end with the system's own text. */
export function lineTrouble(said: unknown, { line, group, holder }: LineContext): ButtonTrouble {
  const text = oneLine(said instanceof Error ? said.message : String(said));
  const code = said instanceof Error && 'code' in said ? String(said.code) : '';
  if (code === 'EBUSY' || /resource busy|in use by/i.test(text)) {
    const by = holder === undefined ? 'something else' : `"${holder}"`;
    return trouble('busy', `${line} is in use by ${by} (${text})`);
  }
  if (code === 'EACCES' || code === 'EPERM' || /permission denied|not permitted/i.test(text))
    return trouble('denied', `${line}: no permission (${text}); ${joinGroup(group)}`);
  if (['ENOENT', 'ENODEV', 'ENXIO'].includes(code) || /no such (?:file|device)|cannot find/i.test(text))
    return trouble('missing', `${line} is not there (${text})`);
  return trouble('broken', `${line}: ${text}`);
}

export function trouble(kind: ButtonTrouble['kind'], reason: string): ButtonTrouble {
  return { kind, reason: reason.slice(0, MAX_REASON_CHARS) };
}

export function joinGroup(group: string): string {
  return `join the group ${group}: sudo usermod -aG ${group} $USER`;
}

/** The group a file belongs to, by name; `otherwise` where that cannot be told or is root's own. */
export function groupOf(path: string, otherwise: string): string {
  try {
    const { gid } = statSync(path);
    const entry = readFileSync('/etc/group', 'utf8')
      .split('\n')
      .find((one) => one.split(':')[2] === String(gid));
    const name = entry?.split(':')[0];
    return name === undefined || name === 'root' ? otherwise : name;
  } catch {
    return otherwise;
  }
}

function oneLine(text: string): string {
  return (text.trim().split('\n').at(-1) ?? '').replace(/\p{Cc}/gu, ' ');
}
