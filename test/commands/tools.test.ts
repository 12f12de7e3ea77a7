// The tools that a configuration makes: which there are, and what becomes of the arguments of the owner's own.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { toolboxOf } from '../../src/commands/tools.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { JsonObject } from '../../src/protocol/messages.ts';
import { agentRig } from '../helpers/agent-rig.ts';
import { keptLog, until } from '../helpers/card.ts';
import { type Folders, folders } from '../helpers/daemon.ts';

const OWN = `
[tools.lamp]
description = "Lamp."
gpio_output = 23
active = "low"
[tools.fan]
description = "Fan."
gpio_output = 24
[tools.door]
description = "Door."
gpio_input = 5
active = "low"
[tools.radio]
description = "Radio."
command = ["/bin/echo", "{station}", "as it is {station}", "{loud}", "{word}"]
[tools.radio.arguments.station]
type = "integer"
minimum = -3
maximum = 9
[tools.radio.arguments.loud]
type = "boolean"
[tools.radio.arguments.word]
type = "string"
options = ["a b", "-x"]
[tools.say]
description = "Says it."
command = ["/bin/echo", "{word}"]
[tools.say.arguments.word]
type = "string"
max_length = 5
[tools.quiet]
description = "Says nothing."
command = ["/bin/true"]
`;

describe('the tools of a configuration', () => {
  let places: Folders;
  beforeEach(async () => {
    places = await folders();
  });
  afterEach(() => places.remove());

  function tools(text: string) {
    const configFile = join(places.root, 'config.toml');
    writeFileSync(configFile, text);
    const { config, tools: own, problems } = loadConfig({ configFile, environment: {} });
    assert.deepEqual(problems, []);
    const log = keptLog();
    const asked: unknown[] = [];
    const closes: (() => void)[] = [];
    const rig = agentRig('ws://127.0.0.1:1/');
    const box = toolboxOf(config, {
      own,
      agent: () => rig.agent,
      systemInfo: () => '{"version":2}',
      log,
      closing: (close) => closes.push(close),
      lines: {
        set: async (line, on) => void asked.push([line, on]),
        isOn: async (line) => {
          asked.push(line);
          return true;
        },
        stop: () => asked.push('let go'),
      },
    });
    const call = async (name: string, given?: JsonObject): Promise<string> => {
      const replies: JsonObject[] = [];
      box.take(
        { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: given ?? null } },
        { name: 'x', version: '0' },
        (payload) => replies.push(payload),
      );
      await until(() => replies.length > 0, 'a reply');
      return JSON.stringify(replies[0]?.result ?? replies[0]?.error);
    };
    return { box, call, asked, log, rig, close: () => closes.forEach((one) => void one()) };
  }

  it('turn a line of the header on and off, as high and low as its owner says', async () => {
    const { call, asked, rig, close } = tools(OWN);
    for (const [name, on] of [
      ['lamp', true],
      ['lamp', false],
      ['fan', true],
    ] as const)
      assert.match(await call(name, { on }), /"text":"true"/);
    assert.match(await call('lamp', { on: 'yes' }), /Missing valid argument: on/);
    assert.match(await call('door'), /"text":"true"/);
    close();
    assert.deepEqual(asked, [
      [{ gpio: 23, activeLow: true }, true],
      [{ gpio: 23, activeLow: true }, false],
      [{ gpio: 24, activeLow: false }, true],
      { gpio: 5, activeLow: true },
      'let go',
    ]);
    rig.stop();
  });

  it('give a command each argument as one word, a number below nought too, and no word that is an option', async () => {
    const { call, rig } = tools(OWN);
    assert.match(
      await call('radio', { station: -3, loud: true, word: 'a b' }),
      /"text":"-3 as it is \{station\} true a b"/,
    );
    assert.match(await call('radio', { station: 1, loud: true, word: '-x' }), /Missing valid argument: word/);
    assert.match(await call('radio', { station: 10, loud: true, word: 'a b' }), /exceeds maximum/);
    assert.match(await call('quiet'), /"text":"true"/);
    assert.match(await call('say', { word: '12345' }), /"text":"12345"/);
    assert.match(await call('say', { word: '123456' }), /exceeds maximum allowed: 5/);
    assert.match(await call('say', { word: '1\n2' }), /Missing valid argument: word/);
    rig.stop();
  });

  it('are those that are allowed, without those that are denied; a name that is none is said', () => {
    const { box, log, rig } = tools(
      `[mcp]\nallow = "self.get_device_status, lamp, fan , lmap"\ndeny = "fan, nobody"\n${OWN}`,
    );
    assert.deepEqual(box.names, ['self.get_device_status', 'lamp']);
    const said = log.lines.filter(({ level }) => level === 'warn').map(({ fields }) => fields);
    assert.deepEqual(said, [{ tool: 'lmap' }, { tool: 'nobody' }]);
    rig.stop();
  });

  it('restart the board only where that is allowed, and say who the box is to the owner alone', async () => {
    const forbidden = tools('');
    assert.equal(forbidden.box.names.includes('self.reboot'), false);
    assert.match(await forbidden.call('self.get_system_info'), /\{\\"version\\":2\}/);
    forbidden.rig.stop();
    const allowed = tools('[mcp]\nreboot = true\n');
    assert.equal(allowed.box.names.includes('self.reboot'), true);
    const replies: JsonObject[] = [];
    allowed.box.take({ jsonrpc: '2.0', id: 1, method: 'tools/list' }, { name: 'x', version: '0' }, (one) =>
      replies.push(one),
    );
    assert.doesNotMatch(JSON.stringify(replies), /self\.reboot|system_info/, 'not for the model');
    allowed.rig.stop();
  });
});
