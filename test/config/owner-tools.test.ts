// The owner's tools: sections of a file become tools that can be run as they are, or a fault that says what is wrong.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { describeProblem } from '../../src/config/problem.ts';
import { isTooBig } from '../../src/protocol/tools.ts';

describe("the owner's tools", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'xz-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const load = (text: string, dropIn?: string) => {
    const configFile = join(folder, 'config.toml');
    writeFileSync(configFile, text);
    if (dropIn !== undefined) {
      mkdirSync(join(folder, 'config.d'));
      writeFileSync(join(folder, 'config.d', 'more.toml'), dropIn);
    }
    return loadConfig({ configFile, environment: {} });
  };

  it('are none by default', () => assert.deepEqual(load('').tools, []));

  it('are commands with arguments, and lines of the header', () => {
    const { tools, problems } = load(`
[tools.lamp]
description = "Turns the lamp on or off."
gpio_output = 23
active = "low"
[tools.door]
description = "Tells whether the door is open."
gpio_input = 24
[tools.radio]
description = "Plays a station."
command = ["/usr/bin/radio", "--station", "{station}"]
timeout_ms = 1000
[tools.radio.arguments.station]
type = "integer"
minimum = 1
maximum = 9
`);
    assert.deepEqual(problems, []);
    assert.deepEqual(
      tools.map(({ name, does }) => [name, does]),
      [
        ['lamp', { kind: 'output', gpio: 23, active: 'low' }],
        ['door', { kind: 'input', gpio: 24, active: 'high' }],
        ['radio', { kind: 'command', argv: ['/usr/bin/radio', '--station', '{station}'], timeoutMs: 1000 }],
      ],
    );
    assert.deepEqual(tools[2]?.arguments, [
      { name: 'station', kind: 'integer', minimum: 1, maximum: 9, longest: 200 },
    ]);
  });

  it('are replaced whole by a later file', () => {
    const section = (pin: number) => `[tools.lamp]\ndescription = "Lamp."\ngpio_output = ${pin}\n`;
    const { tools } = load(section(5), section(6));
    assert.deepEqual(
      tools.map(({ does }) => 'gpio' in does && does.gpio),
      [6],
    );
  });

  const about = 'description = "Does it."\n';
  const WRONG: readonly (readonly [string, string, RegExp])[] = [
    ['without a description', 'gpio_output = 5', /description/],
    ['that does nothing', about, /needs one of command/],
    ['that does two things', `${about}gpio_output = 5\ngpio_input = 6`, /needs one of command/],
    ['through a shell', `${about}command = "rm -rf /"`, /must be a list of texts/],
    ['by a relative path', `${about}command = ["radio"]`, /absolute path/],
    ['with a pin that is none', `${about}gpio_output = 1`, /a pin from 2 to 27/],
    ['with an argument that is not there', `${about}command = ["/bin/x", "{y}"]`, /speaks of \{y\}/],
    [
      'with an argument inside a word',
      `${about}command = ["/bin/x", "--n={n}"]\n[tools.t.arguments.n]\ntype = "boolean"`,
      /\{n\} must be a part of the command by itself, not in "--n=\{n\}"/,
    ],
    [
      'with an argument that is never used',
      `${about}command = ["/bin/x"]\n[tools.t.arguments.n]\ntype = "boolean"`,
      /never uses the argument n/,
    ],
    [
      'with an unbounded number',
      `${about}command = ["/bin/x"]\n[tools.t.arguments.n]\ntype = "integer"`,
      /minimum and maximum/,
    ],
    ['with a timeout beyond ours', `${about}command = ["/bin/x"]\ntimeout_ms = 60000`, /at most 4900/],
    ['with a slip', `${about}gpio_outptu = 5`, /a key that a tool does not have/],
  ];
  for (const [name, text, words] of WRONG)
    it(`${name} is no tool, and said with its line`, () => {
      const { tools, problems } = load(`[tools.t]\n${text}\n`);
      assert.deepEqual(tools, []);
      assert.equal(problems.length, 1);
      const said = problems.map(describeProblem).join('');
      assert.match(said, words);
      assert.match(said, /config\.toml:1: tools\.t: .*there is no such tool/);
    });

  const tool = (name: string, line: string) => `[tools.${name}]\n${about}${line}\n`;
  const TAKEN: readonly (readonly [string, string, RegExp])[] = [
    ['sound', '', /BCM 18 = header pin 12 is the bit clock of I2S sound \(audio\.hat = "i2s"\)/],
    ['the button', '[button]\ngpio = 6\n', /BCM 6 = header pin 31 is button\.gpio already/],
    ['another key', '[button]\nstop_gpio = 6\n', /BCM 6 = header pin 31 is button\.stop_gpio already/],
    ['the light', '[light]\nbackend = "onoff"\ngpio = 6\n', /BCM 6 = header pin 31 is light\.gpio already/],
    ['another tool', tool('first', 'gpio_input = 6'), /BCM 6 = header pin 31 is tools\.first already/],
  ];
  for (const [whose, before, words] of TAKEN)
    for (const way of ['gpio_output', 'gpio_input'])
      it(`with the pin of ${whose} as ${way} is no tool`, () => {
        const pin = whose === 'sound' ? 18 : 6;
        const { tools, problems } = load(`${before}${tool('t', `${way} = ${pin}`)}`);
        assert.ok(!tools.some(({ name }) => name === 't'));
        assert.equal(problems.length, 1);
        assert.match(problems.map(describeProblem).join(''), words);
        assert.match(problems.map(describeProblem).join(''), /tools\.t: .*there is no such tool/);
      });

  it('may have every pin that nobody uses: of a box without I2S, whose button and light are the kernel’s', () => {
    const free =
      '[audio]\nhat = "none"\n[button]\nbackend = "evdev"\n[light]\nbackend = "leds"\nname = "box"\ngpio = 25\n';
    const { tools, problems } = load(
      `${free}${[17, 18, 25].map((pin) => tool(`t${pin}`, `gpio_output = ${pin}`)).join('')}`,
    );
    assert.deepEqual([tools.length, problems], [3, []]);
  });

  const wordy = (options: number) => {
    const words = Array.from({ length: options }, (_, at) => `"${`${at}`.padStart(100, 'x')}"`);
    return `[tools.t]
description = "Plays a song."
command = ["/bin/x", "{song}"]
[tools.t.arguments.song]
type = "string"
options = [${words.join(', ')}]
[tools.lamp]
description = "Lamp."
gpio_output = 5
`;
  };

  it('that is too big for a page of the list is no tool, and said; the others are there', () => {
    const { tools, problems } = load(wordy(80));
    assert.deepEqual(
      tools.map(({ name }) => name),
      ['lamp'],
    );
    assert.match(problems.map(describeProblem).join(), /tools\.t: .*too long for a server: 8\d\d\d bytes/);
  });

  it('that is as big as it may be is on a page of the list', () => {
    const most = Array.from({ length: 80 }, (_, at) => load(wordy(80 - at))).find(
      ({ problems }) => problems.length === 0,
    );
    assert.equal(most?.tools.length, 2);
    const shapes = (most?.tools ?? []).map((one) => ({ ...one, audience: 'model' as const }));
    assert.ok(JSON.stringify(shapes[0]?.arguments).length > 7_500);
    assert.deepEqual(shapes.map(isTooBig), [false, false]);
  });

  it('with a name that no model could say is none', () => {
    assert.match(
      load('[tools."a b"]\ndescription = "x"\ngpio_input = 5').problems[0]?.message ?? '',
      /letters, digits/,
    );
  });
});
