// When a reload applies what, without a daemon: what is asked while somebody talks, twice, or back and forth.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ASKED_AFTER_RESTART } from '../../src/commands/next-step.ts';
import { Reload } from '../../src/commands/reload.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/schema.ts';
import { keptLog } from '../helpers/card.ts';

const AT = { 'server.websocket_url': 'ws://10.0.0.1/' };

function rig(at: Record<string, string> = AT) {
  const log = keptLog();
  const applied: Config[] = [];
  const box = { overrides: at, isQuiet: true, problems: [] as readonly string[] };
  const load = () => loadConfig({ environment: {}, overrides: box.overrides });
  const reload = new Reload({
    started: load().config,
    load,
    log,
    isQuiet: () => box.isQuiet,
    apply: (config) => applied.push(config),
    problems: (sentences) => {
      box.problems = sentences;
    },
  });
  const asked = (changes: Record<string, string>) => {
    box.overrides = { ...at, ...changes };
    reload.asked();
  };
  const said = () => log.lines.map(({ text }) => text);
  return { box, reload, asked, applied, said };
}

describe('a reload', () => {
  it('applies a change once, and not again when it is asked for again', () => {
    const { asked, applied, said } = rig();
    asked({ 'button.mode': 'hold' });
    asked({ 'button.mode': 'hold' });
    assert.equal(applied.length, 1);
    assert.deepEqual(said(), ['reload: applied', 'reload: nothing that can be applied has changed']);
    asked({});
    assert.equal(applied.at(-1)?.button.mode, 'hybrid', 'and back again');
  });

  it('names a key that needs a restart every time, for it is never applied', () => {
    const { asked, applied, said } = rig();
    for (let time = 0; time < 2; time += 1) asked({ 'button.gpio': '23' });
    assert.equal(applied.length, 0);
    assert.equal(said().filter((text) => text === 'reload: these need a restart').length, 2);
  });

  it('of a box without a server that is to ask for one keeps saying what is needed', () => {
    const { box, asked, said } = rig({});
    const asks = { 'server.ota_url': 'https://server.example/ota/' };
    for (let time = 0; time < 2; time += 1) {
      asked(asks);
      assert.deepEqual(box.problems, [ASKED_AFTER_RESTART]);
    }
    assert.ok(said().includes(ASKED_AFTER_RESTART));
    asked({ ...asks, ...AT });
    assert.deepEqual(box.problems, [], 'there is a server');
    asked({});
    assert.match(box.problems.join(), /not reloaded: no server is configured/);
  });

  it('keeps the server of a box that does not ask for one yet', () => {
    const { box, asked, applied } = rig();
    asked({ 'server.websocket_url': '', 'server.ota_url': 'https://server.example/ota/' });
    assert.deepEqual(box.problems, [`not reloaded: ${ASKED_AFTER_RESTART}`]);
    assert.equal(applied.length, 0);
  });

  it('keeps the server that a box asks for when the new file names none at all', () => {
    const ota = { 'server.ota_url': 'https://server.example/ota/' };
    const { box, asked, applied, said } = rig({ ...ota, 'log.level': 'info' });
    asked({ 'server.ota_url': '', 'log.level': 'debug' });
    assert.match(box.problems.join(), /^not reloaded: no server is configured/);
    assert.ok(said().includes('reload: the new configuration is wrong, the old one stays'));
    assert.equal(applied.length, 0);
    asked({ 'log.level': 'debug' });
    assert.deepEqual([box.problems, applied.length], [[], 1]);
  });

  it('during a conversation waits for its end, and then applies the newest', () => {
    const { box, reload, asked, applied } = rig();
    box.isQuiet = false;
    asked({ 'log.level': 'debug' });
    asked({ 'log.level': 'warn' });
    reload.settle();
    assert.equal(applied.length, 0);
    box.isQuiet = true;
    reload.settle();
    reload.settle();
    assert.deepEqual(
      applied.map(({ log }) => log.level),
      ['warn'],
    );
  });

  it('that is taken back during a conversation is not applied after it', () => {
    const { box, reload, asked, applied } = rig();
    box.isQuiet = false;
    asked({ 'log.level': 'debug' });
    asked({});
    box.isQuiet = true;
    reload.settle();
    assert.equal(applied.length, 0);
  });

  it('leaves behind what is wrong now, and nothing once it is mended', () => {
    const { box, asked, applied } = rig();
    asked({ 'server.websocket_url': 'nonsense' });
    assert.match(box.problems[0] ?? '', /^not reloaded: /);
    asked({ 'server.websocket_url': '' });
    assert.match(box.problems[0] ?? '', /^not reloaded: no server is configured/);
    assert.equal(applied.length, 0);
    asked({});
    assert.deepEqual(box.problems, []);
  });
});
