// The figures of a real daemon as Prometheus reads them, over HTTP and from the file; and when the box calls itself ready.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { unreadyReasons } from '../../src/commands/figures.ts';
import { looksAgain } from '../../src/commands/metrics.ts';
import type { Status } from '../../src/status.ts';
import { standIn } from '../adapters/linux/stand-in.ts';
import { until } from '../helpers/card.ts';
import { type Daemon, folders, startDaemon } from '../helpers/daemon.ts';
import { goodConversation } from '../helpers/faults.ts';
import { handClock } from '../helpers/hand-clock.ts';
import { startScriptedServer } from '../helpers/scripted-server.ts';

/** The names of the documented list that need neither hardware nor a turn. */
const NAMES =
  'build_info up uptime_seconds state connected reconnects_total offline_seconds_total activation turns_total mic_alive mic_last_frame_age_seconds mic_zero_frames_total clipped_total xruns_total jitter_buffer_ms jitter_underruns_total opus_errors_total rss_bytes clock_synced first_audio_latency_seconds nodejs_eventloop_lag_seconds process_cpu_seconds_total';

/** Slices of 20 ms in which something is heard that is neither one value nor at the end of the scale. */
const NOISE = 'while yes 0123456789 | head -c 640; do sleep 0.02; done';

async function addressOf(daemon: Daemon): Promise<string> {
  await daemon.logged(/metrics can be read url=/);
  return /url=(http:\S+)\/metrics/.exec(daemon.log())?.[1] ?? '';
}

const asked = async (url: string) => {
  const response = await fetch(url);
  return { status: response.status, text: await response.text() };
};

describe('the figures', () => {
  it('are read over HTTP on this machine, and removed from the file at the end', async () => {
    const places = await folders();
    const file = join(places.root, 'xiaozhi.prom');
    const daemon = startDaemon(places, {
      settings: { 'metrics.listen': '127.0.0.1:0', 'metrics.textfile': file },
    });
    const base = await addressOf(daemon);
    // It is opened at the start, and a simulated one hears nothing but silence.
    const deadline = AbortSignal.timeout(20_000);
    let found = await asked(`${base}/metrics`);
    while (!/^xiaozhi_mic_zero_frames_total [1-9]/m.test(found.text) && !deadline.aborted)
      found = await asked(`${base}/metrics`);
    const { status, text } = found;
    assert.equal(status, 200);
    assert.match(text, /^xiaozhi_mic_last_frame_age_seconds 0\.\d+$/m);
    for (const name of NAMES.split(' ')) assert.match(text, new RegExp(`^# TYPE xiaozhi_${name} `, 'm'));
    assert.match(text, /^xiaozhi_state\{state="idle"\} 1$/m);
    assert.match(text, /^xiaozhi_connected 0$/m);
    // Twice: counters are set anew and do not add up.
    assert.match((await asked(`${base}/metrics`)).text, /^xiaozhi_up 1$/m);
    assert.equal((await asked(`${base}/elsewhere`)).status, 404);
    await until(() => existsSync(file), 'the file');
    assert.match(readFileSync(file, 'utf8'), /^xiaozhi_up 1$/m);
    assert.equal(await daemon.stop(), 0);
    assert.ok(!existsSync(file));
    await places.remove();
  });

  it('that cannot be had are one line each, and the box goes on', async () => {
    const places = await folders();
    const first = startDaemon(places, { settings: { 'metrics.listen': '127.0.0.1:0' } });
    const { port } = new URL(await addressOf(first));
    const others = await folders();
    const second = startDaemon(others, {
      settings: { 'metrics.listen': `127.0.0.1:${port}`, 'metrics.textfile': '/proc/nowhere/x.prom' },
    });
    await second.logged(/metrics cannot be read here .*EADDRINUSE.* code=XA-RUN-/);
    await second.logged(/metrics cannot be written .*ENOENT.* code=XA-RUN-/);
    assert.equal((await second.ask('press')).code, 0);
    assert.equal(await second.stop(), 0);
    assert.equal(await first.stop(), 0);
    await places.remove();
    await others.remove();
  });
});

describe('a box', () => {
  it('is alive at once, and ready when it is connected and hears', async () => {
    const places = await folders();
    const server = await startScriptedServer(goodConversation());
    const ears = await standIn('arecord', NOISE);
    const daemon = startDaemon(places, {
      settings: {
        'metrics.listen': '127.0.0.1:0',
        'server.websocket_url': server.url,
        'audio.input.device': 'plughw:1',
      },
      environment: { ...process.env, ...ears.environment },
    });
    const base = await addressOf(daemon);
    assert.equal((await asked(`${base}/healthz`)).status, 200);
    await daemon.logged(/link ready/);
    // The whole of the first look: until it has delivered and is closed again.
    const deadline = AbortSignal.timeout(20_000);
    while (!/_last_frame_age_seconds ([1-9]|0\.[5-9])/.test((await asked(`${base}/metrics`)).text))
      assert.ok(!deadline.aborted, 'the microphone was not looked at');
    assert.deepEqual(await asked(`${base}/readyz`), { status: 200, text: 'ok\n' });
    assert.equal((await asked(`${base}/metrics`)).status, 200, 'before there is a turn to count');
    await daemon.ask('press');
    await daemon.logged(/turn over turn=1 .* ended=answered/);
    const { text } = await asked(`${base}/metrics`);
    assert.match(text, /^xiaozhi_connected 1$/m);
    assert.match(text, /^xiaozhi_turns_total\{end="answered"\} 1$/m);
    assert.match(text, /^xiaozhi_first_audio_latency_seconds_count 1$/m);
    assert.match(text, /^xiaozhi_first_audio_latency_seconds_sum 0\.\d+$/m, 'seconds, not milliseconds');
    for (const session of server.sessions) session.terminate();
    await until(() => daemon.count(/link ready/) > 1, 'connected again');
    assert.match(
      (await asked(`${base}/metrics`)).text,
      /^xiaozhi_reconnects_total\{reason="\w+"\} 1$/m,
      'an outage that came after a look',
    );
    assert.equal(await daemon.stop(), 0);
    await server.stop();
    await ears.remove();
    await places.remove();
  });

  it('is not ready with a microphone that is not there, though nobody has pressed', async () => {
    const places = await folders();
    const daemon = startDaemon(places, {
      settings: { 'metrics.listen': '127.0.0.1:0', 'audio.input.device': 'plughw:CARD=nowhere' },
    });
    const base = await addressOf(daemon);
    const deadline = AbortSignal.timeout(20_000);
    let found = await asked(`${base}/readyz`);
    // One question at a time: none is left open when the daemon goes.
    while (!found.text.includes('microphone: ')) {
      assert.ok(!deadline.aborted, `the dead microphone is not told of: ${found.text}`);
      found = await asked(`${base}/readyz`);
    }
    assert.equal(found.status, 503);
    assert.equal(await daemon.stop(), 0);
    await places.remove();
  });

  it('is not ready within a look with a microphone that delivers nothing but 0', async () => {
    const places = await folders();
    const server = await startScriptedServer(goodConversation());
    const daemon = startDaemon(places, {
      settings: { 'metrics.listen': '127.0.0.1:0', 'server.websocket_url': server.url },
    });
    const base = await addressOf(daemon);
    await daemon.logged(/link ready/);
    const deadline = AbortSignal.timeout(20_000);
    let found = await asked(`${base}/readyz`);
    while (found.status !== 503) {
      assert.ok(!deadline.aborted, `it is called ready: ${found.text}`);
      found = await asked(`${base}/readyz`);
    }
    assert.match(found.text, /^microphone: delivers nothing but 0/);
    assert.match((await asked(`${base}/metrics`)).text, /^xiaozhi_mic_alive 0$/m);
    assert.equal(await daemon.stop(), 0);
    await server.stop();
    await places.remove();
  });

  it('is looked at once a minute whatever was known of it, for as long as somebody asks', () => {
    const clock = handClock();
    let looks = 0;
    const asked = looksAgain(clock, () => {
      looks += 1;
    });
    assert.equal(looks, 1, 'at the start, before anybody has pressed');
    const deaf = ['not connected: x', 'microphone: no such device'];
    for (const [reasons, sofar] of [
      [deaf, 3],
      [[], 5],
    ] as const) {
      for (let second = 0; second < 150; second += 1) {
        assert.equal(asked(reasons), reasons);
        clock.advance(1_000);
      }
      assert.equal(looks, sofar);
    }
    clock.advance(600_000);
    assert.equal(looks, 5, 'nobody has asked');
    asked([]);
    assert.equal(looks, 6);
  });

  it('is ready in the rows of this table', () => {
    const fine = { over: true, reason: 'was busy' };
    const bad = { over: false, reason: 'gone' };
    const rows: readonly (readonly [
      link: string,
      input: object,
      trouble: string | null,
      reasons: number,
      speaker?: object | null,
      isDead?: boolean,
    ])[] = [
      ['ready', { last_trouble: null, constant: false }, null, 0],
      ['ready', { last_trouble: fine, constant: false }, null, 0],
      ['ready', { last_trouble: bad, constant: false }, null, 1],
      ['ready', { last_trouble: null, constant: true }, null, 1],
      ['ready', { last_trouble: null, constant: false }, 'no such device', 1],
      ['waiting', { last_trouble: bad, constant: false }, null, 2],
      ['resting', { last_trouble: null, constant: false }, null, 0],
      ['ready', { last_trouble: null, constant: false }, null, 1, bad],
      ['ready', { last_trouble: null, constant: false }, null, 0, fine],
      ['ready', { last_trouble: null, constant: false }, null, 1, null, true],
      ['ready', { last_trouble: null, constant: true }, 'no such device', 1, null, true],
      ['unconfigured', { last_trouble: bad, constant: true }, 'no such device', 3, bad],
    ];
    for (const [phase, input, trouble, count, speaker = null, isDead = false] of rows) {
      const status = { link: { phase, trouble: null }, audio: { input, output: { last_trouble: speaker } } };
      const reasons = unreadyReasons(status as unknown as Status, { trouble, isDead });
      assert.equal(reasons.length, count, JSON.stringify([phase, input, trouble, reasons]));
    }
  });
});
