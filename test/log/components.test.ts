// The parts of the program in the log: their names before each line, and a level of their own.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLog, type LoggedTrouble, type LogOptions } from '../../src/log.ts';

function recorded(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const log = createLog({ level: 'info', format: 'journal', write: (line) => lines.push(line), ...options });
  return { log, lines };
}

describe('a component in the log', () => {
  it('is named before the sentence, for people, and is a field for programs', () => {
    const { log, lines } = recorded();
    log.of('link').info({ attempt: 1 }, 'link ready');
    assert.deepEqual(lines, ['<6>link: link ready attempt=1']);
    const json = recorded({ format: 'json' });
    json.log.of('link').info({ attempt: 1 }, 'link ready');
    const { component, msg } = JSON.parse(json.lines[0] ?? '');
    assert.deepEqual([component, msg], ['link', 'link ready']);
  });

  it('can say more than the others, and stops to when everything is set', () => {
    const { log, lines } = recorded();
    const [link, turn] = [log.of('link'), log.of('turn')];
    log.setLevel('debug', 'link');
    link.debug({}, 'a');
    turn.debug({}, 'b');
    assert.deepEqual(log.levels(), { link: 'debug', turn: 'info' });
    log.setLevel('warn');
    link.info({}, 'c');
    turn.warn({}, 'd');
    assert.deepEqual(lines, ['<7>link: a', '<4>turn: d']);
    assert.deepEqual(log.levels(), { link: 'warn', turn: 'warn' });
  });

  it('has its trouble told to whoever keeps it, without secrets, and nothing else', () => {
    const troubles: LoggedTrouble[] = [];
    const { log } = recorded({ trouble: (one) => troubles.push(one) });
    log.of('link').info({}, 'link ready');
    log.of('link').warn({ class: 'auth', token: 'geheim' }, 'link lost');
    assert.deepEqual(troubles, [
      { level: 'warn', code: 'XA-LINK-04', text: 'link lost class=auth token=[redacted] code=XA-LINK-04' },
    ]);
  });
});
