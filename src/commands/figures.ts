// What Prometheus is told of the box, by the names of the documented list; and what keeps the box from being ready. Made
// of what `status` says.
import type { Figure } from '../adapters/linux/prometheus.ts';
import type { Agent } from '../agent.ts';
import { isWell, type Status } from '../status.ts';

const STATES = ['idle', 'listening', 'thinking', 'speaking', 'activating'] as const;

/** The lower bits are of now, the upper ones of any time since the start. */
const THROTTLED_NOW = 0xf;

type Around = {
  readonly clockIsSet: boolean;
  /** dBm; null: no Wi-Fi. */
  readonly wifiDbm: number | null;
  /** Of a Raspberry Pi's firmware, as `vcgencmd get_throttled`; null: it does not say. */
  readonly throttled: number | null;
};

export function figuresOf(status: Status, { history, preamp }: Agent, around: Around): readonly Figure[] {
  const { link, audio, process: running } = status;
  const { output, input } = audio;
  const { level } = preamp;
  const { offlineMs, byReason } = history.recoveries;
  return [
    gauge('build_info', 'Of this program', 1, { version: status.version, node: running.node }),
    gauge('up', 'The agent runs', 1),
    gauge('uptime_seconds', 'Since the start', running.uptime_s),
    by(
      'state',
      gauge('state', 'What it is doing: 1 for the one that holds', 0),
      STATES.map((state) => [state, status.state === state ? 1 : 0]),
    ),
    gauge('connected', 'To the server', link.phase === 'ready' ? 1 : 0),
    gauge('muted', 'The microphone is shut on purpose', status.muted ? 1 : 0),
    gauge(
      'activation',
      'It belongs to an account: 1, or waits for its code: 0',
      status.state === 'activating' ? 0 : 1,
    ),
    by(
      'reason',
      counter('reconnects_total', 'Outages that are over, by what had ended the connection', 0),
      Object.entries(byReason),
    ),
    counter('offline_seconds_total', 'Outages that are over, together', offlineMs / 1_000),
    counter('connect_attempts_total', 'Connections tried', link.counts.attempts),
    counter('connect_failures_total', 'Connections tried in vain', link.counts.failed_attempts),
    by('end', counter('turns_total', 'Exchanges, by how they ended', 0), Object.entries(history.turnEnds)),
    optional('mic_rms_dbfs', 'Of the open microphone', level.averageDb),
    optional(
      'mic_last_frame_age_seconds',
      'Since the microphone last delivered, which it does while it is open',
      level.heardAgoMs === null ? null : level.heardAgoMs / 1_000,
    ),
    counter('mic_zero_frames_total', 'Slices of the microphone in which every sample is 0', level.zeroChunks),
    gauge(
      'mic_alive',
      'The microphone delivered when it was last open',
      micTroubles(status, level).length === 0 ? 1 : 0,
    ),
    counter('clipped_total', 'Samples of the microphone that were cut', input.clipped_samples),
    by('dir', counter('xruns_total', 'Times a device broke off or ran dry', 0), [
      ['in', input.restarts],
      ['out', output.restarts],
    ]),
    gauge('jitter_buffer_ms', 'Of an answer, not played yet', output.buffered_ms),
    counter('jitter_underruns_total', 'Holes in answers', output.underruns),
    counter('opus_errors_total', 'Packets that could not be decoded', output.corrupt_packets),
    counter('speech_dropped_ms_total', 'Of what was said, lost for want of room', input.dropped_ms),
    gauge('rss_bytes', 'Memory of the agent', running.rss_mb * 1024 * 1024),
    optional('rtt_seconds', 'To the server and back', link.rtt_ms === null ? null : link.rtt_ms / 1_000),
    optional('wifi_rssi_dbm', 'Of the Wi-Fi', around.wifiDbm),
    optional(
      'throttled',
      'The board is slowed down, or its voltage too low, now',
      around.throttled === null ? null : Number((around.throttled & THROTTLED_NOW) !== 0),
    ),
    gauge('clock_synced', 'The clock of the board has been set right', around.clockIsSet ? 1 : 0),
  ].map((figure) => ({ ...figure, name: `xiaozhi_${figure.name}` }));
}

type Level = { readonly trouble: string | null; readonly isDead: boolean };

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

function micTroubles({ audio }: Status, { trouble, isDead }: Level): readonly string[] {
  const { last_trouble: last, constant } = audio.input;
  return [
    ...(last === null || last.over ? [] : [last.reason]),
    ...(trouble === null ? [] : [trouble]),
    ...(isDead ? ['delivers nothing but 0: is it muted or not connected?'] : []),
    ...(constant ? ['delivers one and the same value'] : []),
  ].slice(0, 1);
}

function gauge(name: string, help: string, value: number, labels: Record<string, string> = {}): Figure {
  return { name, help, kind: 'gauge', labelNames: Object.keys(labels), values: [{ labels, value }] };
}

function counter(name: string, help: string, value: number): Figure {
  return { name, help, kind: 'counter', labelNames: [], values: [{ value }] };
}

/** One value for each of what it is told apart by; there may be none yet. */
function by(label: string, figure: Figure, values: readonly (readonly [string, number])[]): Figure {
  return {
    ...figure,
    labelNames: [label],
    values: values.map(([of, value]) => ({ labels: { [label]: of }, value })),
  };
}

/** Nothing is better than a nought that was not measured. */
function optional(name: string, help: string, value: number | null): Figure {
  return { name, help, kind: 'gauge', labelNames: [], values: value === null ? [] : [{ value }] };
}
