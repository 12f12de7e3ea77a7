// How a command ends: the documented exit codes, and an error that carries one with the sentence to print.

export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notRunning: 3,
  noPermission: 4,
  /** The daemon's: nothing sensible can run, restarting won't help (EX_CONFIG of sysexits.h). */
  cannotRun: 78,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends the command with one clear sentence instead of a stack. */
export class Stop extends Error {
  readonly code: ExitCode;

  constructor(code: ExitCode, message: string) {
    super(message);
    this.code = code;
  }
}
