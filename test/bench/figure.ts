// One measured quantity: its samples, what is promised of it, and how both are shown. Knows nothing of how it came
// about.

export type Statistic = 'median' | 'p95' | 'max';

export type Goal = { readonly of: Statistic; readonly atMost: number };

export type Figure = {
  readonly name: string;
  readonly unit: string;
  readonly samples: readonly number[];
  /** None: measured to explain another figure. */
  readonly goal?: Goal;
  readonly note?: string;
};

export type Summary = {
  readonly name: string;
  readonly unit: string;
  readonly n: number;
  readonly min: number;
  readonly median: number;
  readonly p95: number;
  readonly max: number;
  readonly goal: string;
  readonly met: boolean | null;
  readonly note: string;
};

/** Nearest rank, so that every figure shown is one that was measured. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

export function summaryOf({ name, unit, samples, goal, note }: Figure): Summary {
  const statistics = { median: median(samples), p95: quantile(samples, 0.95), max: quantile(samples, 1) };
  return {
    name,
    unit,
    n: samples.length,
    min: rounded(quantile(samples, 0)),
    median: rounded(statistics.median),
    p95: rounded(statistics.p95),
    max: rounded(statistics.max),
    goal: goal === undefined ? '' : `${goal.of} <= ${rounded(goal.atMost)}`,
    // Without samples the comparison is false: a bench that measured nothing has met nothing.
    met: goal === undefined ? null : statistics[goal.of] <= goal.atMost,
    note: note ?? '',
  };
}

export function tableOf(summaries: readonly Summary[]): string {
  const head = ['figure', 'n', 'min', 'median', 'p95', 'max', 'unit', 'goal', 'met'];
  const rows = summaries.map((one) => [
    one.name,
    ...[one.n, one.min, one.median, one.p95, one.max].map(String),
    one.unit,
    one.goal,
    one.met === null ? '' : one.met ? 'yes' : 'NO',
  ]);
  const widths = head.map((title, at) =>
    Math.max(title.length, ...rows.map((cells) => (cells[at] ?? '').length)),
  );
  const isNumber = (at: number) => at >= 1 && at <= 5;
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) => (isNumber(at) ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd();
  const notes = summaries.filter(({ note }) => note !== '').map(({ name, note }) => `  ${name}: ${note}`);
  return [line(head), ...rows.map(line), ...notes].join('\n');
}

/** Three digits are as many as a shared machine is good for. */
function rounded(value: number): number {
  return Number(value.toPrecision(value >= 1_000 ? 4 : 3));
}
