// The demo as a person sees it: run for real, interrupted, killed, and without what it needs.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { judge } from '../../src/demo/likeness.ts';
import { until } from '../helpers/card.ts';
import { type DemoRun, outputOf, samplesOf, startDemo } from './demo-rig.ts';

let run: DemoRun | undefined;
afterEach(async () => {
  await run?.clean();
  run = undefined;
});

async function start(...args: Parameters<typeof startDemo>): Promise<DemoRun> {
  run = await startDemo(...args);
  return run;
}

test('two conversations are held, verified and measured, and nothing stays behind', async () => {
  const demo = await start(['--json']);
  assert.equal(await demo.ended, 0, demo.output() + demo.errors());
  assert.deepEqual(demo.remains(), []);
  assert.match(demo.output(), /conversation +1 +2\n-+\npress .*\nend of question .*\n.*\n.*\nlikeness/);
  assert.equal(demo.output().includes('\u001B'), false, 'no colour into a pipe');

  const figures = JSON.parse(demo.output().trimEnd().split('\n').at(-1) ?? '');
  assert.equal(figures.conversations.length, 2);
  for (const one of figures.conversations) {
    assert.ok(one.correlation >= 0.8 && one.correlation <= 1, JSON.stringify(one));
    assert.ok(one.question_to_answer_ms > 0 && one.press_to_listen_ms > 0, JSON.stringify(one));
  }
  assert.ok(figures.outage_ms >= 3_000 && figures.reconnect_ms > 0 && figures.agent_rss_mb > 1);

  const kept = (name: string) => join(demo.folder, 'demo', name);
  const heard = samplesOf(kept('heard.wav'));
  const second = heard.subarray(Math.floor(heard.length / 4) * 2);
  assert.equal(judge(samplesOf(kept('said-1.wav')), heard).verdict, 'the same');
  assert.equal(judge(samplesOf(kept('said-2.wav')), second).verdict, 'the same');
  assert.match(await readFile(kept('agent.log'), 'utf8'), /link ready outage=1 .*recoveredAfterMs=/);
  assert.match(await readFile(kept('server.log'), 'utf8'), /server stopped[\s\S]*server listening/);
});

for (const [signal, code, step] of [
  ['SIGTERM', 143, 'local server'],
  ['SIGINT', 130, 'first conversation'],
  ['SIGINT', 130, 'server stopped'],
] as const)
  test(`${signal} at the step "${step}" ends it with ${code}, and nothing stays behind`, async () => {
    const demo = await start();
    await until(() => demo.output().includes(step), `the step "${step}" has begun`);
    demo.child.kill(signal);
    assert.equal(await demo.ended, code, demo.errors());
    assert.deepEqual(demo.remains(), []);
    assert.match(demo.output(), new RegExp(`${step}.*interrupted\\n$`));
  });

test('killed without warning, it leaves what it started to a guard that ends it', async () => {
  const demo = await start();
  await until(() => demo.output().includes('first conversation'), 'everything runs');
  assert.ok(demo.remains().length > 5, demo.remains().join('\n'));
  demo.child.kill('SIGKILL');
  await demo.ended;
  await until(() => demo.remains().length === 0, 'everything is gone');
});

/** A program that stays, and ignores every polite request to go. */
const STUBBORN = '#!/bin/sh\ntrap "" TERM INT\nwhile :; do sleep 1; done\n';
const OTHERS = ['sox', 'arecord', 'aplay', 'pulseaudio', 'sh', 'sleep'];

async function startStubborn(): Promise<DemoRun> {
  const demo = await start([], { programs: OTHERS, scripts: { 'espeak-ng': STUBBORN } });
  await until(() => demo.remains().some((one) => one.includes('espeak-ng')), 'the program runs');
  return demo;
}

test('a program that does not go when the demo is interrupted is killed', async () => {
  const demo = await startStubborn();
  demo.child.kill('SIGINT');
  assert.equal(await demo.ended, 130, demo.errors());
  assert.deepEqual(demo.remains(), []);
  assert.doesNotMatch(demo.errors(), /leaving at once/);
});

test('a second interruption does not wait for it, and even then nothing stays behind', async () => {
  const demo = await startStubborn();
  demo.child.kill('SIGINT');
  await until(() => demo.errors().includes('SIGINT: ending'), 'the first has arrived');
  demo.child.kill('SIGINT');
  assert.equal(await demo.ended, 130, demo.errors());
  assert.match(demo.errors(), /leaving at once/);
  await until(() => demo.remains().length === 0, 'everything is gone');
});

test('without some of its programs it names them and the command that brings them', async () => {
  const demo = await start([], { programs: ['arecord', 'aplay', 'pulseaudio', 'sh'] });
  assert.equal(await demo.ended, 1);
  assert.match(demo.output(), /programs .*FAILED/);
  assert.match(demo.errors(), /programs: missing: espeak-ng, sox\. .*bash deploy\/prerequisites\.sh demo/);
  assert.deepEqual(demo.remains(), []);
});

test('without PulseAudio it says so, and which command brings it', async () => {
  const demo = await start([], { programs: ['espeak-ng', 'sox', 'arecord', 'aplay', 'sh'] });
  assert.equal(await demo.ended, 1);
  assert.match(demo.errors(), /virtual sound card: pulseaudio is neither .*deploy\/prerequisites\.sh demo/);
  assert.deepEqual(demo.remains(), []);
});

test('an answer that everybody reports and nobody can hear is a failure, with its step and where to look', async () => {
  const real = outputOf('which', 'aplay').toString().trim();
  // The box's loudspeaker takes everything and is mute; the person's voice is the real one.
  const aplay = `#!/bin/sh\ncase "$*" in *spk*) exec cat >/dev/null ;; *) exec ${real} "$@" ;; esac\n`;
  const programs = ['espeak-ng', 'sox', 'arecord', 'pulseaudio', 'sh', 'cat'];
  const demo = await start([], { programs, scripts: { aplay } });
  assert.equal(await demo.ended, 1);
  assert.match(demo.output(), /first conversation .*FAILED\n$/);
  assert.match(demo.errors(), /first conversation: what came out of the speaker .* silence\n/);
  assert.match(demo.errors(), /to look at: demo\/agent\.log\n.*demo\/server\.log\n.*demo\/heard\.wav/);
  assert.match(await readFile(join(demo.folder, 'demo', 'agent.log'), 'utf8'), /turn draining/);
  assert.deepEqual(demo.remains(), []);
});
