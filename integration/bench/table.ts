import type { Measured } from './measure.ts';

/** A contestant's runs, in the order of the rounds. */
export interface Runs {
  readonly name: string;
  readonly runs: readonly Measured[];
}

export interface Row {
  readonly name: string;
  readonly wallSeconds: number;
  readonly userSeconds: number;
  readonly systemSeconds: number;
  readonly peakBytes: number;
  /** CPU time of the main thread; NaN if it does not tell. */
  readonly mainSeconds: number;
  readonly rounds: number;
  /** The ratio of the first contestant's time to this one's, by round; undefined for the first. */
  readonly wallRatio?: Ratio;
  readonly cpuRatio?: Ratio;
}

/** The median and the extremes. */
interface Ratio {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** The goal of a work: the first contestant compared with the best or a certain one of the others. */
export interface Verdict {
  readonly what: string;
  readonly value: number;
  /** Undefined: for information only. */
  readonly atMost?: number;
}

/** The medians, and the ratios of the first to each of the others. */
export function rowsOf([first, ...others]: readonly Runs[]): Row[] {
  if (first === undefined) return [];
  return [medians(first), ...others.map((other) => ({ ...medians(other), ...ratios(first.runs, other.runs) }))];
}

export function rowsText(rows: readonly Row[]): string {
  const head = ['', 'wall s', 'user s', 'system s', 'peak MiB', 'wall ratio', 'CPU ratio'];
  const body = rows.map((row) => [
    row.rounds === 1 ? `${row.name} (1 round)` : row.name,
    ...[row.wallSeconds, row.userSeconds, row.systemSeconds].map((seconds) => seconds.toFixed(2)),
    mebibytes(row.peakBytes),
    ratioText(row.wallRatio),
    ratioText(row.cpuRatio),
  ]);
  const all = [head, head.map(() => '---'), ...body];
  const widths = head.map((_, column) => Math.max(...all.map((cells) => cells[column]?.length ?? 0)));
  return all.map((cells) => `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |\n`).join('');
}

export function verdictText({ what, value, atMost }: Verdict): string {
  const wanted = atMost === undefined ? '' : `, wanted at most ${atMost}: ${value <= atMost ? 'met' : 'MISSED'}`;
  return `${what}: ${value.toFixed(value < 0.1 ? 3 : 2)}${wanted}\n`;
}

export function mebibytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(0);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = Number.NaN, high = Number.NaN] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

function medians({ name, runs }: Runs): Row {
  const of = (key: keyof Measured) => median(runs.map((run) => run[key]));
  return {
    name,
    wallSeconds: of('wallSeconds'),
    userSeconds: of('userSeconds'),
    systemSeconds: of('systemSeconds'),
    peakBytes: of('peakBytes'),
    mainSeconds: of('mainSeconds'),
    rounds: runs.length,
  };
}

function ratios(first: readonly Measured[], other: readonly Measured[]): Pick<Row, 'wallRatio' | 'cpuRatio'> {
  const ratioOf = (cost: (run: Measured) => number): Ratio => {
    const each = other.map((run, round) => cost(first[round] as Measured) / cost(run));
    return { median: median(each), least: Math.min(...each), most: Math.max(...each) };
  };
  return {
    wallRatio: ratioOf((run) => run.wallSeconds),
    cpuRatio: ratioOf((run) => run.userSeconds + run.systemSeconds),
  };
}

function ratioText(ratio: Ratio | undefined): string {
  if (ratio === undefined) return '';
  const { median: middle, least, most } = ratio;
  return `${middle.toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`;
}
