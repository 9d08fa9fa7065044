import { parseArgs } from 'node:util';
import { hasEtcd, openEtcd } from './failover-etcd.ts';
import { busyGroup, openOurs, submitTo } from './failover-ours.ts';
import { type Pauses, type Peers, pausesOf, ways } from './failover-rounds.ts';
import { compare, type Line, type Measures, percentile, table } from './rounds.ts';

/**
 * How long from the end of the head that leads (killed, stopped, cut off from the others) to the
 * next submit that is acknowledged to a client of all three; beside three members of etcd on the
 * same machine, with its own timing and with one like ours. Then durable submits a second, many in
 * flight on one link, of three heads beside one. `--rounds N`: hits of each sort, 50 unless given.
 */
const ROUNDS = 50;
const ROUNDS_MIN = 20;
const IN_FLIGHT = 256;
const SUBMITS = 2_000;
const DEFAULT = { beat: 100, election: 1_000 };
const TUNED = { beat: 50, election: 300 };

const note = (text: string): void => void process.stderr.write(`failover: ${text}\n`);

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: `${ROUNDS}` }, json: { type: 'boolean' } },
});
const rounds = Math.max(ROUNDS_MIN, Number.parseInt(values.rounds, 10) || ROUNDS);

type Measured = { readonly name: string; readonly pauses: readonly Pauses[] };

async function measured(open: () => Promise<Peers>): Promise<Measured> {
  const peers = await open();
  try {
    const pauses: Pauses[] = [];
    for (const way of ways) {
      pauses.push(await pausesOf(peers, way, rounds));
      note(`${peers.name}, ${way}: ${JSON.stringify(pauses.at(-1))}`);
    }
    return { name: peers.name, pauses };
  } finally {
    await peers.close();
  }
}

/** A line for each metric; without a peer, ours stands alone. */
const linesOf = (ours: Measured, beside: Measured | undefined): readonly Line[] =>
  ways.flatMap((way, at) =>
    (['p50', 'max'] as const).map((which): Line => {
      const mine = Math.round(ours.pauses[at]![which]);
      const theirs = Math.round(beside?.pauses[at]?.[which] ?? 0);
      const ratio = theirs === 0 ? 0 : Number((mine / theirs).toPrecision(4));
      const besideName = beside?.name ?? 'nothing: etcd is not installed';
      const bench = { bench: 'failover', metric: `${way} ${which}`, unit: 'ms', runs: rounds };
      return { ...bench, ours: mine, beside: theirs, besideName, ratio };
    }),
  );

async function load(client: Parameters<typeof submitTo>[0]): Promise<Measures> {
  const took: number[] = [];
  let left = SUBMITS;
  const from = performance.now();
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      const begun = performance.now();
      await submitTo(client);
      took.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  const seconds = (performance.now() - from) / 1000;
  return { rate: SUBMITS / seconds, p99: percentile(took, 0.99) };
}

async function submits(): Promise<readonly Line[]> {
  const three = await busyGroup(3);
  try {
    const one = await busyGroup(1);
    try {
      const [ours, beside] = [three.client([await three.leader()]), one.client()];
      return await compare({
        name: 'failover',
        units: { rate: '1/s', p99: 'ms' },
        setup: `${IN_FLIGHT} submits in flight on one link`,
        ours: { name: 'three heads', run: () => load(ours) },
        beside: { name: 'one head', run: () => load(beside) },
      });
    } finally {
      await one.close();
    }
  } finally {
    await three.close();
  }
}

async function run(): Promise<void> {
  const isThere = hasEtcd();
  if (!isThere) note('etcd is not installed: apt-get install -y etcd-server');
  const ours = await measured(openOurs);
  const named = (name: string, timing: typeof TUNED) => () =>
    openEtcd(`${name}, beat ${timing.beat} ms, election ${timing.election} ms`, timing);
  const peers = isThere
    ? [await measured(named('etcd', DEFAULT)), await measured(named('etcd tuned', TUNED))]
    : [undefined];
  const lines = [...peers.flatMap((peer) => linesOf(ours, peer)), ...(await submits())];
  const text = values.json ? lines.map((line) => JSON.stringify(line)) : table(lines);
  process.stdout.write(`${text.join('\n')}\n`);
}

await run();
