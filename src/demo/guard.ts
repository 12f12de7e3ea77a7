// For an end that the demo itself cannot see to, such as SIGKILL: a shell that waits for the demo to be gone, then ends
// whatever still has the demo's mark in its environment and removes its folder. Knows no process by name.

import { spawn } from 'node:child_process';

export type Guard = {
  /** To be in the environment of everything the demo starts. */
  readonly mark: Readonly<Record<string, string>>;
  /** Its watch is over: it looks around once and goes. */
  dismiss(): Promise<void>;
};

/** Its standard input ends with the demo, however the demo ends. */
const SCRIPT = `while read -r _; do :; done
for process in /proc/[0-9]*; do
  grep -qsaF -- "$1" "$process/environ" && kill -9 "\${process#/proc/}"
done
rm -rf -- "$2"`;

export function startGuard(folder: string): Guard {
  const name = 'DEMO_FOLDER';
  // Without the mark, and in a session of its own: neither Ctrl-C nor its own search may hit it.
  const child = spawn('sh', ['-c', SCRIPT, 'guard', `${name}=${folder}`, folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    env: { PATH: '/usr/bin:/bin' },
  });
  child.stdin.on('error', () => {});
  const gone = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
  return {
    mark: { [name]: folder },
    async dismiss() {
      child.stdin.end();
      await gone;
    },
  };
}
