import { PARTITION } from '../../protocol/jobscript/slurm-environment.ts';
import type { NodeRow } from '../../protocol/terminal-shapes.ts';
import { exits } from '../exits.ts';
import type { Call } from '../verb.ts';
import { askedOf, noMore } from './asked.ts';
import { type Field, linesOf, piecesOf } from './format.ts';
import { listed } from './rows.ts';
import { isLive } from './states.ts';

const USUAL = '%9P %.5a %.10l %.6D %.6t %N';
const BY_NODE = '%20N %.6D %.9P %6t';

const options = {
  Node: { takes: 'nothing', short: 'N' },
  format: { takes: 'value', short: 'o' },
  noheader: { takes: 'nothing', short: 'h' },
  nodes: { takes: 'value', short: 'n' },
  states: { takes: 'value', short: 't' },
  partition: { takes: 'value', short: 'p' },
} as const;

/** Nodes that are alike in all that is shown of them. */
type Group = { readonly first: Machine; readonly nodes: readonly Machine[] };
/** A node, how Slurm would say it is, and how many of its cores are taken. */
type Machine = { readonly node: NodeRow; readonly state: string; readonly taken: number };

/** Lists the nodes on which jobs may run. */
export async function run(call: Call, words: readonly string[]): Promise<number> {
  const asked = askedOf('sinfo', options, words);
  noMore('sinfo', asked);
  const byNode = asked.has('Node');
  const pieces = piecesOf('sinfo', asked.of('format') ?? (byNode ? BY_NODE : USUAL), fields);
  const isIn = (list: readonly string[], value: string): boolean =>
    list.length === 0 || list.some((one) => one.toLowerCase() === value.toLowerCase());
  const states = asked.list('states').map((one) => known[one.toLowerCase()] ?? one);
  const machines = (await machinesOf(call)).filter(
    ({ node, state }) =>
      isIn(asked.list('nodes'), node.name) &&
      isIn(states, state.replace('*', '')) &&
      isIn(asked.list('partition'), PARTITION),
  );
  const shown = pieces.flatMap((piece) =>
    piece.is === 'field' && !ofOne.includes(piece.name) ? [piece.field] : [],
  );
  const keyOf = (machine: Machine): string =>
    byNode
      ? machine.node.name
      : shown.map(({ of }) => of({ first: machine, nodes: [machine] })).join('\n');
  const groups = [...Map.groupBy(machines, keyOf).values()].map(
    (nodes): Group => ({ first: nodes[0] as Machine, nodes }),
  );
  for (const line of linesOf(pieces, groups, !asked.has('noheader'))) call.screen.print(line);
  return exits.good;
}

/** Long names of the states, as Slurm has both. */
const known: Readonly<Record<string, string>> = {
  allocated: 'alloc',
  mixed: 'mix',
  drained: 'drain',
  draining: 'drng',
};

/** What is of a node alone, and does not keep others out of its line. */
const ofOne: readonly string[] = ['N', 'D', 'n', 'C'];

async function machinesOf({ client }: Call): Promise<readonly Machine[]> {
  const open = await client();
  const [{ nodes }, jobs] = await Promise.all([open.call('node.list', {}), listed(open)]);
  const taken = new Map<string, number>();
  for (const job of jobs.filter(isLive))
    for (const name of job.nodes)
      taken.set(name, (taken.get(name) ?? 0) + (job.resources?.cpus ?? 0));
  return nodes
    .filter(({ phase, resources }) => phase !== 'gone' && resources.cpus > 0)
    .map((node) => {
      const cpus = taken.get(node.name) ?? 0;
      return { node, taken: cpus, state: stateOf(node, cpus) };
    });
}

function stateOf({ phase, drained, jobs, resources }: NodeRow, taken: number): string {
  if (phase === 'silent') return 'down*';
  if (phase === 'expected') return 'unk*';
  if (drained) return jobs.length > 0 ? 'drng' : 'drain';
  if (jobs.length === 0 && taken === 0) return 'idle';
  return taken >= resources.cpus ? 'alloc' : 'mix';
}

const cpus = ({ nodes }: Group, of: (machine: Machine) => number): number =>
  nodes.reduce((sum, machine) => sum + of(machine), 0);
const all = ({ node }: Machine): number => node.resources.cpus;
const down = ({ node, state }: Machine): number =>
  /^(down|unk|drain)/.test(state) ? node.resources.cpus : 0;

/** What the letters of a format stand for. */
const fields: Readonly<Record<string, Field<Group>>> = {
  P: { title: 'PARTITION', of: () => `${PARTITION}*` },
  R: { title: 'PARTITION', of: () => PARTITION },
  a: { title: 'AVAIL', of: () => 'up' },
  l: { title: 'TIMELIMIT', of: () => 'infinite' },
  D: { title: 'NODES', of: ({ nodes }) => String(nodes.length) },
  t: { title: 'STATE', of: ({ first }) => first.state },
  T: { title: 'STATE', of: ({ first }) => first.state },
  N: { title: 'NODELIST', of: ({ nodes }) => nodes.map(({ node }) => node.name).join(',') },
  n: { title: 'HOSTNAMES', of: ({ nodes }) => nodes.map(({ node }) => node.name).join(',') },
  c: { title: 'CPUS', of: ({ first }) => String(all(first)) },
  m: {
    title: 'MEMORY',
    of: ({ first }) => String(Math.floor(first.node.resources.memoryBytes / (1 << 20))),
  },
  G: { title: 'GRES', of: ({ first }) => gresOf(first.node.resources.gpus) },
  E: { title: 'REASON', of: ({ first }) => first.node.drained?.reason || 'none' },
  C: {
    title: 'CPUS(A/I/O/T)',
    of: (group) => {
      const used = cpus(group, ({ taken }) => taken);
      const [total, other] = [cpus(group, all), cpus(group, down)];
      return [used, Math.max(0, total - used - other), other, total].join('/');
    },
  },
};

const gresOf = (gpus: number): string => (gpus > 0 ? `gpu:${gpus}` : '(null)');
