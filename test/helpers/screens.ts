// What two screens have in common that were printed at different times on different machines: their words, without times,
// numbers and places. Knows no command.
import assert from 'node:assert/strict';

/** The button is told by what this machine has; of trouble, the reason is the machine's too. */
const MACHINES = [/(?<=^button ).*/gm, /(?<=^next {8}).*/gm];

export function sameShape(shown: string, printed: string): void {
  assert.deepEqual(shapeOf(shown), shapeOf(printed), 'UPDATE_README=1 puts it in its place');
}

function shapeOf(screen: string): readonly string[] {
  return MACHINES.reduce((text, machine) => text.replaceAll(machine, '…'), screen)
    .trimEnd()
    .split('\n')
    .map(wordsOf);
}

function wordsOf(line: string): string {
  return line
    .replaceAll(/\b\w+=("[^"]*"|\S+)/g, (field) => `${field.split('=')[0]}=`)
    .replaceAll(/\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?/g, 'TIME')
    .replaceAll(/\b\d+(\.\d+)? (ms|s|min|h|d)( \d+ (s|min|h))?\b/g, 'LONG')
    .replaceAll(/v?\d+(\.\d+)*/g, 'N');
}

/** Of a journal those lines that are ours, each without time and host. */
export function journalShapes(journal: string): readonly string[] {
  return journal
    .split('\n')
    .filter((line) => line.includes('xiaozhi-agent['))
    .map((line) => wordsOf(line.replace(/^.*? xiaozhi-agent\[\d+\]: /, '')));
}
