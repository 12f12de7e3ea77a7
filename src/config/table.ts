// The reference table of every configuration key, written from the schema so that the two cannot disagree.
// Knows nothing of where values come from.

import { allKeys } from './schema.ts';

const cell = (text: string) => text.replaceAll('|', '\\|');

export function configTable(): string {
  const rows = [...allKeys].map(([key, { expects, preset, meaning, example }]) => {
    const assignment = `${key.slice(key.lastIndexOf('.') + 1)} = ${example}`;
    const cells = [`\`${key}\``, expects, `\`${JSON.stringify(preset)}\``, meaning, `\`${assignment}\``];
    return `| ${cells.map(cell).join(' | ')} |`;
  });
  return [
    '| key | type and range | default | meaning | example |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
