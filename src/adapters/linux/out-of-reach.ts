// Whether a file that could not be read may be as good as ever, so that nothing is to be put in its place. Knows errors only.

/** Nothing is there, or something that is no file: only then is there nothing to lose. */
const NO_FILE = ['ENOENT', 'ENOTDIR', 'EISDIR'];

/** Whose file it is, and whether the disk answers, says nothing of what is in it. What has no code was read. */
export function isOutOfReach(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code !== undefined && !NO_FILE.includes(code);
}
