// Figures for Prometheus, over HTTP on this machine and as a file; and the two questions of a watchdog from outside. Knows
// the format and who asks; what the figures mean, whoever gives them knows.
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Cancel, Clock, Log } from '../../ports.ts';

export type Figure = {
  readonly name: string;
  readonly help: string;
  readonly kind: 'gauge' | 'counter';
  /** Told beforehand: there may be no value yet to read them from. */
  readonly labelNames: readonly string[];
  readonly values: readonly { readonly labels?: Readonly<Record<string, string>>; readonly value: number }[];
};

type Parts = {
  /** `127.0.0.1:9464`, or empty. */
  readonly listen: string;
  /** A path, or empty. */
  readonly textfile: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly figures: () => readonly Figure[];
  /** Why the box could not talk to anybody now; empty: it could. */
  readonly unready: () => readonly string[];
};

export interface Metrics {
  /** From the end of listening to the first sound of an answer. */
  firstSound(afterMs: number): void;
  stop(): void;
}

/** node_exporter is usually read every 15 to 60 s; the file lies in memory or on an SD card. */
const WRITE_EVERY_MS = 60_000;
/** protocol.md: real servers take 0.5 to 6 s. */
const BUCKETS_S = [0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 10];
/** Readable for node_exporter, which is another user. */
const FILE_MODE = 0o644;
/** Who asks is on this machine; what takes longer hangs. */
const REQUEST_MS = 5_000;

export function prometheus({ listen, textfile, clock, log, figures, unready }: Parts): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'xiaozhi_' });
  const latency = new Histogram({
    name: 'xiaozhi_first_audio_latency_seconds',
    help: 'From the end of listening to the first sound of the answer',
    buckets: BUCKETS_S,
    registers: [registry],
  });
  const known = new Map<string, Gauge | Counter>();

  async function text(): Promise<string> {
    for (const { name, help, kind, labelNames, values } of figures()) {
      const about = { name, help, labelNames: [...labelNames], registers: [registry] };
      const metric = known.get(name) ?? (kind === 'gauge' ? new Gauge(about) : new Counter(about));
      known.set(name, metric);
      metric.reset();
      // What has no label was set to 0 by that; nothing is better than a nought that was not measured.
      if (labelNames.length === 0) metric.remove();
      for (const { labels = {}, value } of values) metric.inc(labels, value);
    }
    return registry.metrics();
  }

  const server = listen === '' ? null : serve(listen, { text, type: registry.contentType, unready, log });
  const cancel = textfile === '' ? () => undefined : written(textfile, { text, clock, log });
  return {
    firstSound: (afterMs) => latency.observe(afterMs / 1_000),
    stop() {
      cancel();
      server?.close();
      server?.closeAllConnections();
      registry.clear();
    },
  };
}

type Serving = Pick<Parts, 'unready' | 'log'> & {
  readonly text: () => Promise<string>;
  readonly type: string;
};

function serve(listen: string, { text, type, unready, log }: Serving): Server {
  const at = listen.lastIndexOf(':');
  const host = listen.slice(0, at).replace(/^\[|\]$/g, '');
  const server = createServer({ requestTimeout: REQUEST_MS }, (request, response) => {
    const end = (status: number, body: string, contentType = 'text/plain; charset=utf-8') => {
      response.writeHead(status, { 'content-type': contentType });
      response.end(body);
    };
    if (request.method !== 'GET' && request.method !== 'HEAD') return end(405, 'only GET\n');
    switch (request.url) {
      case '/metrics':
        text().then(
          (body) => end(200, body, type),
          (error: Error) => end(500, `${error.message}\n`),
        );
        return;
      case '/healthz':
        return end(200, 'ok\n');
      case '/readyz': {
        const reasons = unready();
        return end(reasons.length === 0 ? 200 : 503, `${reasons.join('\n') || 'ok'}\n`);
      }
      default:
        return end(404, 'there is /metrics, /healthz and /readyz\n');
    }
  });
  server.on('error', (error) => log.warn({ listen, reason: error.message }, 'metrics cannot be read here'));
  server.listen({ host, port: Number(listen.slice(at + 1)) }, () => {
    const { port } = server.address() as AddressInfo;
    log.info(
      { url: `http://${host.includes(':') ? `[${host}]` : host}:${port}/metrics` },
      'metrics can be read',
    );
  });
  // Never what keeps the process.
  server.unref();
  return server;
}

/** Whole or not at all: node_exporter may read at any moment. */
function written(
  path: string,
  { text, clock, log }: Pick<Parts, 'clock' | 'log'> & { readonly text: () => Promise<string> },
): Cancel {
  let trouble: string | undefined;
  let cancel: Cancel = () => undefined;
  let isOver = false;
  async function write(): Promise<void> {
    const next = `${path}.new`;
    try {
      const figures = await text();
      // Stopped meanwhile: what is written now would stay.
      if (isOver) return;
      writeFileSync(next, figures, { mode: FILE_MODE });
      renameSync(next, path);
      trouble = undefined;
    } catch (error) {
      const reason = (error as Error).message;
      if (trouble === undefined) log.warn({ path, reason }, 'metrics cannot be written');
      trouble = reason;
      removed(next);
    }
    if (!isOver) cancel = clock.after(WRITE_EVERY_MS, () => void write());
  }
  void write();
  return () => {
    isOver = true;
    cancel();
    // Figures of a box that is not there would be believed.
    removed(path);
  };
}

function removed(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // It could not be written either, which has been said.
  }
}
