// The one thing to do next, for whoever reads `status` and does not know where to begin. Judges the documented JSON; asks
// nobody.
import type { Status } from '../status.ts';

export const NO_SERVER =
  'no server is configured: set server.websocket_url, or server.ota_url to be told one';

/** Whom to ask is decided at the start. */
export const ASKED_AFTER_RESTART =
  'server.ota_url is asked only after a restart: sudo systemctl restart xiaozhi-agent';

/** The first that fits is the one: what comes earlier keeps what comes later from mattering. */
export function nextStep(status: Status): string {
  const { muted, last_run: lastRun } = status;
  const mend = mendingStep(status);
  if (mend !== null) return mend;
  if (muted) return 'xiaozhi-agent mute off, or a double click';
  if (lastRun !== null && !lastRun.clean)
    return 'press and speak; and see why the last run broke off: xiaozhi-agent bugreport';
  return 'nothing: press and speak';
}

/** What mends the box; null: it does all that it is for, or its owner does not want it to. */
export function mendingStep(status: Status): string | null {
  const { link, audio, button, light, problems } = status;
  if (status.setup.phase === 'activating' && status.setup.code === '')
    return 'see that server.serial_number and server.serial_key_file are those of this board, then: sudo systemctl restart xiaozhi-agent';
  if (status.state === 'activating') return 'enter the code that the box says on the page of your server';
  if (link.phase === 'unconfigured' && status.setup.asks) return 'xiaozhi-agent activate';
  if (link.phase === 'unconfigured' && problems.includes(ASKED_AFTER_RESTART))
    return 'sudo systemctl restart xiaozhi-agent';
  if (link.phase === 'unconfigured')
    return 'set server.ota_url or server.websocket_url in /etc/xiaozhi-agent/config.toml, then: sudo systemctl restart xiaozhi-agent';
  if (link.trouble !== null) return linkStep(link.trouble.class, status.setup.gives);
  if (link.phase === 'stopped' || link.phase === 'closed') return 'xiaozhi-agent reconnect';
  if (inTrouble(audio.input.last_trouble) || audio.input.constant) return 'xiaozhi-agent doctor microphone';
  if (inTrouble(audio.output.last_trouble)) return 'xiaozhi-agent doctor speaker';
  if (problems.length > 0) return 'xiaozhi-agent config check';
  // While nothing reads it, `backend` is `none`, as it is of a box without a button: that one has no trouble.
  if (button.state !== 'working' && inTrouble(button.last_trouble))
    return 'xiaozhi-agent doctor button (until then: xiaozhi-agent press)';
  if (light.trouble !== null) return 'xiaozhi-agent doctor light';
  return null;
}

/** @param gives what the answer of the server that was asked is in force for; the owner has written down the rest */
function linkStep(name: string, gives: Status['setup']['gives']): string {
  switch (name) {
    case 'auth':
      if (gives.includes('token'))
        return 'look for the box in the console of your server, which has given it the token; it asks for another by itself';
      return 'check the token in server.token_file, then: xiaozhi-agent reconnect';
    case 'configuration':
      if (gives.includes('url'))
        return 'correct the WebSocket address in the console of your server, which has given it: xiaozhi-agent doctor server';
      return 'check server.websocket_url: xiaozhi-agent doctor server';
    case 'clock':
      return 'set the clock of the board: timedatectl status';
    default:
      return 'xiaozhi-agent doctor network server; it is tried again by itself';
  }
}

function inTrouble(trouble: Status['audio']['input']['last_trouble']): boolean {
  return trouble !== null && !trouble.over;
}
