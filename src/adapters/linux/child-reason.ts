// What arecord or aplay said before it ended, as one line for people: why a capture or a playback broke off.
// Knows the habits of the two programs' stderr and nothing of PCM, ports or when a child is started or killed.

/** A line of theirs is under 200 characters; a program that floods stderr must not fill the memory. */
const MAX_PARTIAL_LINE_CHARS = 1024;
/** The limit that every reason in this project keeps. */
const MAX_REASON_CHARS = 200;

export interface ChildVoice {
  /** Gaps the program complained of and survived. */
  readonly xruns: number;
  hear(chunk: Uint8Array): void;
  /** The child could not be started, or not be signalled. */
  failed(error: Error): void;
  reason(code: number | null, signal: string | null): string;
}

export function childVoice(program: string, device: string): ChildVoice {
  let partial = '';
  let said: string | undefined;
  let detail: string | undefined;
  let failure: Error | undefined;
  let xruns = 0;

  function hearLine(line: string): void {
    const text = printable(line).trim();
    if (text === '') return;
    if (/\b(?:under|over)run!!!/.test(text)) {
      xruns += 1;
      return;
    }
    const library = /^ALSA lib [^ ]+:\(\w+\) (.*)$/.exec(text)?.[1];
    // Of a chain of library messages the first is the cause; the others are its callers giving up.
    if (library !== undefined) detail ??= library;
    else said = text.replace(new RegExp(`^${program}: (?:\\w+:\\d+: )?`), '');
  }

  return {
    get xruns() {
      return xruns;
    },
    hear(chunk) {
      const lines = (partial + Buffer.from(chunk).toString('utf8')).split('\n');
      partial = (lines.pop() ?? '').slice(-MAX_PARTIAL_LINE_CHARS);
      for (const line of lines) hearLine(line);
    },
    failed(error) {
      failure ??= error;
    },
    reason(code, signal) {
      hearLine(partial);
      partial = '';
      return describe(code, signal).slice(0, MAX_REASON_CHARS);
    },
  };

  function describe(code: number | null, signal: string | null): string {
    if (failure !== undefined) {
      if ('code' in failure && failure.code === 'ENOENT') {
        return `${program} is not installed: apt-get install alsa-utils`;
      }
      return `${program} cannot be started: ${failure.message}`;
    }
    const how = signal === null ? `exit code ${String(code)}` : signal;
    if (said === undefined && detail === undefined) return `${device}: ${program} ended by itself (${how})`;
    if (said === undefined) return `${device}: ${String(detail)} (${how})`;
    const more = [detail, hint(`${said} ${detail ?? ''}`)].filter((part) => part !== undefined).join('; ');
    return more === '' ? `${device}: ${said}` : `${device}: ${said} (${more})`;
  }
}

/** What the owner of the box can do about it. */
function hint(said: string): string | undefined {
  if (/busy/i.test(said)) return 'another program uses this device';
  if (/permission denied/i.test(said)) return 'is the user in the group audio?';
  if (/no such (?:file|device)|cannot (?:get|find) card|unknown pcm/i.test(said))
    return 'no such device: see arecord -L and aplay -L';
  return undefined;
}

function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ');
}
