// `xiaozhi-agent monitor`: what goes on, as it happens. On a terminal the last line is the level, drawn anew; into a pipe
// goes a line for each change and nothing else.
import { parseArgs } from 'node:util';
import { followControl } from '../adapters/linux/control-socket.ts';
import type { Level } from '../audio/preamp.ts';
import { escaped } from '../log/line.ts';
import type { Status } from '../status.ts';
import { refusalOf } from './ask.ts';
import { EXIT, Stop } from './exit.ts';
import { placeOptions, placesFrom } from './places.ts';

/** An hour at the most, for whoever asks for an end at all. */
const MOST_SECONDS = 3_600;
/** Below this nothing is heard; a bar begins there. */
const FLOOR_DB = -60;
const BAR = 30;

type Look = { readonly status: Status; readonly level: Level };

export async function monitor(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { ...placeOptions, json: { type: 'boolean' }, seconds: { type: 'string' } },
  });
  const seconds = values.seconds === undefined ? null : Number(values.seconds);
  if (seconds !== null && !(Number.isInteger(seconds) && seconds >= 1 && seconds <= MOST_SECONDS))
    throw new Stop(EXIT.usage, `--seconds takes a whole number from 1 to ${MOST_SECONDS}`);
  const { runtimeDirectory } = placesFrom(values, process.env);
  const isLive = process.stdout.isTTY && !values.json;
  let before = '';
  await new Promise<void>((resolve, reject) => {
    const following = followControl(
      runtimeDirectory,
      { command: 'monitor' },
      {
        said(answer) {
          if (!answer.ok) return reject(new Stop(EXIT.failed, answer.error));
          const look = answer as unknown as Look;
          const line = values.json ? JSON.stringify(eventOf(look)) : escaped(lineOf(look));
          if (line !== before) process.stdout.write(`${isLive ? '\r\u001B[K' : ''}${line}\n`);
          before = line;
          if (isLive) process.stdout.write(`\r\u001B[K${levelBar(look.level)}`);
        },
        over: (failure) => reject(refusalOf(failure)),
      },
    );
    const end = () => {
      following.stop();
      if (isLive) process.stdout.write('\r\u001B[K');
      resolve();
    };
    process.once('SIGINT', end).once('SIGTERM', end);
    if (seconds !== null) setTimeout(end, seconds * 1_000).unref();
  });
}

/** What a change of is news. */
function eventOf({ status }: Look): object {
  const { state, muted, link, network, turn, audio, button } = status;
  return {
    state,
    muted,
    link: { phase: link.phase, attempt: link.attempt, trouble: link.trouble?.reason ?? null },
    network: { usable: network.usable, interface: network.interface },
    turn: { number: turn.number, phase: turn.phase, last: turn.last?.why ?? null },
    microphone: audio.input.state,
    speaker: audio.output.state,
    button: { state: button.state, is_down: button.is_down },
  };
}

function lineOf({ status }: Look): string {
  const { state, muted, link, turn, button, audio } = status;
  const trouble = link.trouble === null ? '' : ` (${link.trouble.reason})`;
  const last = turn.phase === 'idle' && turn.last !== null ? `, last ended: ${turn.last.why}` : '';
  const down = button.is_down ? ', button down' : '';
  return `${state}${muted ? ', muted' : ''}; turn ${turn.number} ${turn.phase}${last}; link ${link.phase}${trouble}; microphone ${audio.input.state}${down}`;
}

export function levelBar({ peakDb }: Pick<Level, 'peakDb'>): string {
  if (peakDb === null) return `microphone ${'.'.repeat(BAR)} closed`;
  const filled = Math.round((Math.max(0, Math.min(-FLOOR_DB, peakDb - FLOOR_DB)) / -FLOOR_DB) * BAR);
  return `microphone ${'#'.repeat(filled)}${'.'.repeat(BAR - filled)} ${Math.round(peakDb)} dBFS`;
}
