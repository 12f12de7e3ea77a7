// What Prometheus is told of the box, by the names of the documented list; and what keeps the box from being ready. Made
// of what `status` says.
import type { Figure } from '../adapters/linux/prometheus.ts';
import type { Agent } from '../agent.ts';
import { isWell, type Status } from '../status.ts';

const STATES = ['idle', 'listening', 'thinking', 'speaking', 'activating'] as const;

type Around = {
  readonly clockIsSet: boolean;
  /** dBm; null: no Wi-Fi. */
  readonly wifiDbm: number | null;
};

export function figuresOf(status: Status, { history, preamp }: Agent, around: Around): readonly Figure[] {
  const { link, audio, process: running } = status;
  const { output, input } = audio;
  const { offlineMs, byReason } = history.recoveries;
  return [
    gauge('build_info', 'Of this program', 1, { version: status.version, node: running.node }),
    gauge('up', 'The agent runs', 1),
    gauge('uptime_seconds', 'Since the start', running.uptime_s),
    {
      ...gauge('state', 'What it is doing: 1 for the one that holds', 0),
      values: STATES.map((state) => ({ labels: { state }, value: status.state === state ? 1 : 0 })),
    },
    gauge('connected', 'To the server', link.phase === 'ready' ? 1 : 0),
    gauge('muted', 'The microphone is shut on purpose', status.muted ? 1 : 0),
    gauge(
      'activation',
      'It belongs to an account: 1, or waits for its code: 0',
      status.state === 'activating' ? 0 : 1,
    ),
    {
      ...counter('reconnects_total', 'Outages that are over, by what had ended the connection', 0),
      values: Object.entries(byReason).map(([reason, value]) => ({ labels: { reason }, value })),
    },
    counter('offline_seconds_total', 'Outages that are over, together', offlineMs / 1_000),
    counter('connect_attempts_total', 'Connections tried', link.counts.attempts),
    counter('connect_failures_total', 'Connections tried in vain', link.counts.failed_attempts),
    {
      ...counter('turns_total', 'Exchanges, by how they ended', 0),
      values: Object.entries(history.turnEnds).map(([end, value]) => ({ labels: { end }, value })),
    },
    optional('mic_rms_dbfs', 'Of the open microphone', preamp.level.averageDb),
    gauge(
      'mic_alive',
      'The microphone delivered when it was last open',
      micTroubles(status, preamp.level).length === 0 ? 1 : 0,
    ),
    counter('clipped_total', 'Samples of the microphone that were cut', input.clipped_samples),
    {
      ...counter('xruns_total', 'Times a device broke off or ran dry', 0),
      values: [
        { labels: { dir: 'in' }, value: input.restarts },
        { labels: { dir: 'out' }, value: output.restarts },
      ],
    },
    gauge('jitter_buffer_ms', 'Of an answer, not played yet', output.buffered_ms),
    counter('jitter_underruns_total', 'Holes in answers', output.underruns),
    counter('opus_errors_total', 'Packets that could not be decoded', output.corrupt_packets),
    counter('speech_dropped_ms_total', 'Of what was said, lost for want of room', input.dropped_ms),
    gauge('rss_bytes', 'Memory of the agent', running.rss_mb * 1024 * 1024),
    optional('rtt_seconds', 'To the server and back', link.rtt_ms === null ? null : link.rtt_ms / 1_000),
    optional('wifi_rssi_dbm', 'Of the Wi-Fi', around.wifiDbm),
    gauge('clock_synced', 'The clock of the board has been set right', around.clockIsSet ? 1 : 0),
  ].map((figure) => ({ ...figure, name: `xiaozhi_${figure.name}` }));
}

type Level = { readonly peakDb: number | null; readonly trouble: string | null };

/** Never ready with a dead microphone: whoever is deaf and looks well is found last. */
export function unreadyReasons(status: Status, level: Level): readonly string[] {
  const { link, audio } = status;
  const speaker = audio.output.last_trouble;
  return [
    ...(isWell(link) ? [] : [`not connected: ${link.trouble?.reason ?? link.phase}`]),
    ...micTroubles(status, level).map((reason) => `microphone: ${reason}`),
    ...(speaker === null || speaker.over ? [] : [`speaker: ${speaker.reason}`]),
  ];
}

function micTroubles({ audio }: Status, { trouble }: Level): readonly string[] {
  const { last_trouble: last, constant } = audio.input;
  return [
    ...(last === null || last.over ? [] : [last.reason]),
    ...(trouble === null ? [] : [trouble]),
    ...(constant ? ['delivers one and the same value'] : []),
  ].slice(0, 1);
}

function gauge(name: string, help: string, value: number, labels: Record<string, string> = {}): Figure {
  return { name, help, kind: 'gauge', values: [{ labels, value }] };
}

function counter(name: string, help: string, value: number): Figure {
  return { name, help, kind: 'counter', values: [{ value }] };
}

/** Nothing is better than a nought that was not measured. */
function optional(name: string, help: string, value: number | null): Figure {
  return { name, help, kind: 'gauge', values: value === null ? [] : [{ value }] };
}
