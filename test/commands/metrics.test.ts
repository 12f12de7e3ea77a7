// The figures of a real daemon as Prometheus reads them, over HTTP and from the file; and when the box calls itself ready.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { unreadyReasons } from '../../src/commands/figures.ts';
import type { Status } from '../../src/status.ts';
import { until } from '../helpers/card.ts';
import { type Daemon, folders, startDaemon } from '../helpers/daemon.ts';
import { goodConversation } from '../helpers/faults.ts';
import { startScriptedServer } from '../helpers/scripted-server.ts';

/** The names of the documented list that need neither hardware nor a turn. */
const NAMES =
  'build_info up uptime_seconds state connected reconnects_total offline_seconds_total activation turns_total mic_alive clipped_total xruns_total jitter_buffer_ms jitter_underruns_total opus_errors_total rss_bytes clock_synced first_audio_latency_seconds nodejs_eventloop_lag_seconds process_cpu_seconds_total';

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
    const { status, text } = await asked(`${base}/metrics`);
    assert.equal(status, 200);
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
    const daemon = startDaemon(places, {
      settings: { 'metrics.listen': '127.0.0.1:0', 'server.websocket_url': server.url },
    });
    const base = await addressOf(daemon);
    assert.equal((await asked(`${base}/healthz`)).status, 200);
    await daemon.logged(/link ready/);
    assert.deepEqual(await asked(`${base}/readyz`), { status: 200, text: 'ok\n' });
    assert.equal(await daemon.stop(), 0);
    await server.stop();
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

  it('is ready in the rows of this table', () => {
    const fine = { over: true, reason: 'was busy' };
    const bad = { over: false, reason: 'gone' };
    const rows: readonly (readonly [link: string, input: object, trouble: string | null, reasons: number])[] =
      [
        ['ready', { last_trouble: null, constant: false }, null, 0],
        ['ready', { last_trouble: fine, constant: false }, null, 0],
        ['ready', { last_trouble: bad, constant: false }, null, 1],
        ['ready', { last_trouble: null, constant: true }, null, 1],
        ['ready', { last_trouble: null, constant: false }, 'no such device', 1],
        ['waiting', { last_trouble: bad, constant: false }, null, 2],
        ['resting', { last_trouble: null, constant: false }, null, 0],
      ];
    for (const [phase, input, trouble, count] of rows) {
      const status = { link: { phase, trouble: null }, audio: { input, output: { last_trouble: null } } };
      const reasons = unreadyReasons(status as unknown as Status, { peakDb: null, trouble });
      assert.equal(reasons.length, count, JSON.stringify([phase, input, trouble, reasons]));
    }
  });
});
