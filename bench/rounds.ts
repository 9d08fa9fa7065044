/** What one run of one side measured, by metric. */
export type Measures = Readonly<Record<string, number>>;

/** One side of a comparison; `run` does the whole work once, from a state that it makes itself. */
export type Side = { readonly name: string; run(): Promise<Measures> | Measures };

/**
 * One question: ours beside a floor or a peer in the same process run. `units` names every metric
 * that both sides return. `setup` says how the peer was set up, for whoever doubts the ratio.
 */
export type Bench = {
  readonly name: string;
  readonly units: Readonly<Record<string, string>>;
  readonly setup: string;
  readonly ours: Side;
  readonly beside: Side;
  /** Counted rounds, at least 5, after one that is thrown away. */
  readonly runs?: number;
};

/** One metric's result; `ratio` is ours / beside, of their medians. */
export type Line = {
  readonly bench: string;
  readonly metric: string;
  readonly unit: string;
  readonly ours: number;
  readonly beside: number;
  readonly besideName: string;
  readonly ratio: number;
  readonly runs: number;
};

const RUNS_MIN = 5;

/** The middle of the values, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error('a median of nothing');
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** The value below which `share` (0 to 1) of the values lie, by nearest rank. */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new Error('a percentile of nothing');
  const rank = Math.ceil(values.length * share) - 1;
  return values.toSorted((a, b) => a - b)[Math.max(0, rank)]!;
}

/** Runs the rounds, the two sides taking turns at being first, and gives a line for each metric. */
export async function compare(bench: Bench): Promise<readonly Line[]> {
  const runs = Math.max(RUNS_MIN, bench.runs ?? RUNS_MIN);
  const ours: Measures[] = [];
  const beside: Measures[] = [];
  for (let round = 0; round <= runs; round++) {
    const first = round % 2 === 0;
    if (first) ours.push(await bench.ours.run());
    beside.push(await bench.beside.run());
    if (!first) ours.push(await bench.ours.run());
  }
  return Object.entries(bench.units).map(([metric, unit]) => {
    const mine = middle(bench.ours, ours, metric);
    const theirs = middle(bench.beside, beside, metric);
    return {
      bench: bench.name,
      metric,
      unit,
      ours: mine,
      beside: theirs,
      besideName: bench.beside.name,
      ratio: round(mine / theirs, 4),
      runs,
    };
  });
}

/** Measures and prints: JSON lines on stdout with `--json`, else a table. Notes go to stderr. */
export async function run(bench: Bench, args = process.argv.slice(2)): Promise<void> {
  const at = args.indexOf('--runs');
  const runs = at < 0 ? bench.runs : Number.parseInt(args[at + 1] ?? '', 10);
  process.stderr.write(`${bench.name}: beside ${bench.beside.name}: ${bench.setup}\n`);
  const lines = await compare(runs === undefined ? bench : { ...bench, runs });
  const text = args.includes('--json') ? lines.map((line) => JSON.stringify(line)) : table(lines);
  process.stdout.write(`${text.join('\n')}\n`);
}

/** The same lines for people, in columns. */
export function table(lines: readonly Line[]): readonly string[] {
  const head = ['metric', 'unit', 'ours', 'beside', 'ratio', 'runs', 'besideName'];
  const rows = lines.map((line) =>
    [line.metric, line.unit, short(line.ours), short(line.beside), line.ratio.toFixed(2)].concat(
      String(line.runs),
      line.besideName,
    ),
  );
  const widths = head.map((name, at) =>
    Math.max(name.length, ...rows.map((row) => row[at]!.length)),
  );
  return [head, ...rows].map((row) => row.map((cell, at) => cell.padEnd(widths[at]!)).join('  '));
}

/** The first round warms caches and compilers up and is not counted. */
function middle(side: Side, rounds: readonly Measures[], metric: string): number {
  const values = rounds.slice(1).map((measures) => measures[metric]);
  if (values.some((value) => value === undefined || !Number.isFinite(value)))
    throw new Error(`${side.name} did not measure ${metric}`);
  return round(median(values as number[]), 6);
}

const round = (value: number, digits: number): number => Number(value.toPrecision(digits));

const short = (value: number): string =>
  Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en') : value.toPrecision(4);
