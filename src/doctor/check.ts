// What a check is: a judgement over facts that somebody else has gathered. Pure data and words; looks at nothing.

export type Verdict = {
  readonly result: 'ok' | 'warn' | 'fail' | 'skipped';
  /** What was found; for `skipped`: why it was not looked at. */
  readonly says: string;
  /** The command that mends it, or shows more. */
  readonly mend?: string;
  /** The same as a program and its arguments, where running it can do no harm. */
  readonly fix?: readonly string[];
};

export type Check<Facts> = {
  /** Short and stable, for programs. */
  readonly id: string;
  readonly title: string;
  readonly judge: (facts: Facts) => Verdict;
};

export type Diagnosis = { readonly area: string; readonly id: string; readonly title: string } & Verdict;

export const ok = (says: string): Verdict => ({ result: 'ok', says });
export const skipped = (says: string): Verdict => ({ result: 'skipped', says });

/** @param mend a list where running it can do no harm: then `--fix` runs it, and people read it as a command */
export function warn(says: string, mend: string | readonly string[]): Verdict {
  return { result: 'warn', says, ...mending(mend) };
}

export function fail(says: string, mend: string | readonly string[]): Verdict {
  return { result: 'fail', says, ...mending(mend) };
}

function mending(mend: string | readonly string[]): Pick<Verdict, 'mend' | 'fix'> {
  return typeof mend === 'string' ? { mend } : { mend: `sudo ${mend.join(' ')}`, fix: mend };
}

/** Nothing of the owner's goes for it. */
export function installing(name: string): readonly string[] {
  return ['apt-get', 'install', '--no-remove', '-y', name];
}

export function diagnose<Facts>(
  area: string,
  checks: readonly Check<Facts>[],
  facts: Facts,
): readonly Diagnosis[] {
  return checks.map(({ id, title, judge }) => ({ area, id: `${area}.${id}`, title, ...judge(facts) }));
}

const SEVERITY = { skipped: 0, ok: 0, warn: 1, fail: 2 } as const;

export function worst(diagnoses: readonly Diagnosis[]): 'ok' | 'warn' | 'fail' {
  const most = Math.max(0, ...diagnoses.map(({ result }) => SEVERITY[result]));
  return most === 2 ? 'fail' : most === 1 ? 'warn' : 'ok';
}
