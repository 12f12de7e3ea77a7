// The one thing to do next, for whoever reads `status` and does not know where to begin. Judges the documented JSON; asks
// nobody.
import type { Status } from '../status.ts';

/** The first that fits is the one: what comes earlier keeps what comes later from mattering. */
export function nextStep(status: Status): string {
  const { link, audio, button, light, problems, last_run: lastRun } = status;
  if (link.phase === 'unconfigured')
    return 'set server.websocket_url in /etc/xiaozhi-agent/config.toml, then: sudo systemctl restart xiaozhi-agent';
  if (status.state === 'activating') return 'enter the code that the box says on the page of your server';
  if (link.trouble !== null) return linkStep(link.trouble.class);
  if (link.phase === 'stopped' || link.phase === 'closed') return 'xiaozhi-agent reconnect';
  if (inTrouble(audio.input.last_trouble) || audio.input.constant) return 'xiaozhi-agent doctor microphone';
  if (inTrouble(audio.output.last_trouble)) return 'xiaozhi-agent doctor speaker';
  if (problems.length > 0) return 'xiaozhi-agent config check';
  if (button.backend !== 'none' && button.state !== 'working' && inTrouble(button.last_trouble))
    return 'xiaozhi-agent doctor button (until then: xiaozhi-agent press)';
  if (light.trouble !== null) return 'xiaozhi-agent doctor light';
  if (status.muted) return 'xiaozhi-agent mute off, or a double click';
  if (lastRun !== null && !lastRun.clean)
    return 'press and speak; and see why the last run broke off: xiaozhi-agent bugreport';
  return 'nothing: press and speak';
}

function linkStep(name: string): string {
  switch (name) {
    case 'auth':
      return 'check the token in server.token_file, then: xiaozhi-agent reconnect';
    case 'configuration':
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
