import { quoted } from './flaw.ts';
import type { GivenSlurm, SlurmName } from './slurm-options.ts';
import { type GpuCount, gpusOf, gresOf, memoryOf, type Outcome } from './slurm-values.ts';

/** Of each option that was given the one that counts. */
export type Counted = ReadonlyMap<SlurmName, GivenSlurm>;

/** `by`: the options that it follows from. `aside`: nobody has asked for just this. */
export type Resource = Outcome & { readonly by: readonly GivenSlurm[]; readonly aside?: true };

/**
 * What a job asks of each node. Slurm counts by tasks, we count by nodes: tasks are spread over the
 * nodes evenly, and without `nodes` all are on one, unless `ntasks-per-node` says how many fit.
 */
export function resourcesOf(all: Counted): readonly Resource[] {
  const wrong = counted.flatMap((name) => {
    const by = all.get(name);
    if (by === undefined || isCount(by)) return [];
    return [{ by: [by], wrong: `wants a whole number from 1 on, not ${quoted(by.value)}` }];
  });
  const nodes = nodesOf(all.get('nodes'));
  if (wrong.length > 0 || nodes?.wrong !== undefined)
    return [...wrong, ...(nodes === undefined ? [] : [nodes])];
  const layout = layoutOf(all, nodes?.least ?? 0);
  return [
    ...(nodes?.lost === undefined ? [] : [{ by: nodes.by, lost: nodes.lost }]),
    ...placesOf(all, layout),
    ...memory(all, layout),
    ...gpus(all, layout),
  ];
}

const counted = ['ntasks', 'ntasks-per-node', 'cpus-per-task'] as const;
const isCount = ({ value }: GivenSlurm): boolean => /^0*[1-9]\d{0,8}$/.test(value);

type Layout = { readonly nodes: number; readonly tasks: number; readonly cpus: number };

/** The least number of nodes: we give exactly that. */
function nodesOf(by: GivenSlurm | undefined): (Resource & { readonly least: number }) | undefined {
  if (by === undefined) return undefined;
  const [, from = '', to = ''] = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(by.value) ?? [];
  const least = Number(from);
  if (least < 1)
    return { by: [by], least: 0, wrong: `wants a number of nodes, not ${quoted(by.value)}` };
  const lost = `is taken as ${least}: a job gets as many nodes as it says`;
  return { by: [by], least, ...(to !== '' && Number(to) !== least && { lost }) };
}

function layoutOf(all: Counted, asked: number): Layout {
  const count = (name: (typeof counted)[number]): number => Number(all.get(name)?.value ?? 0);
  const [ntasks, each] = [count('ntasks'), count('ntasks-per-node')];
  const nodes = asked || (ntasks > 0 && each > 0 ? Math.ceil(ntasks / each) : 1);
  const tasks = each > 0 && ntasks === 0 ? each : Math.ceil((ntasks || nodes) / nodes);
  return { nodes, tasks, cpus: tasks * (count('cpus-per-task') || 1) };
}

const present = (all: Counted, ...names: readonly SlurmName[]): readonly GivenSlurm[] =>
  names.flatMap((name) => all.get(name) ?? []);

/** Nodes and cores, and what scripts read of them. */
function placesOf(all: Counted, { nodes, tasks, cpus }: Layout): readonly Resource[] {
  const byNodes = present(all, 'nodes', 'ntasks', 'ntasks-per-node');
  const byCpus = present(all, 'cpus-per-task', 'ntasks', 'ntasks-per-node', 'nodes');
  const ntasks = all.get('ntasks')?.value ?? String(tasks * nodes);
  const variables = [
    ...(present(all, 'ntasks', 'ntasks-per-node').length > 0 ? [`SLURM_NTASKS=${ntasks}`] : []),
    ...(all.has('ntasks-per-node') ? [`SLURM_NTASKS_PER_NODE=${tasks}`] : []),
    ...present(all, 'cpus-per-task').map(({ value }) => `SLURM_CPUS_PER_TASK=${value}`),
  ];
  return [
    ...(byNodes.length > 0 && (nodes > 1 || all.has('nodes'))
      ? [{ by: byNodes, asks: [['nodes', String(nodes)] as const] }]
      : []),
    // A batch script runs once, on the first node.
    ...(nodes > 1
      ? [{ by: byNodes, asks: [['ranks', 'main'] as const], aside: true as const }]
      : []),
    ...(present(all, ...counted).length > 0
      ? [{ by: byCpus, asks: [['cpus', String(cpus)] as const] }]
      : []),
    ...(variables.length > 0
      ? [{ by: byCpus, asks: variables.map((one) => ['env', one] as const), aside: true as const }]
      : []),
  ];
}

function memory(all: Counted, layout: Layout): readonly Resource[] {
  const by = all.get('mem') ?? all.get('mem-per-cpu') ?? all.get('mem-per-gpu');
  if (by === undefined) return [];
  const bytes = memoryOf(by.value);
  if (bytes === undefined)
    return [{ by: [by], wrong: `wants memory, such as 4000M or 4G, not ${quoted(by.value)}` }];
  if (bytes === 0)
    return [{ by: [by], lost: 'is left out: memory that is not said is not counted' }];
  const perGpu = perNode(all, layout).count || 1;
  const times = { mem: 1, 'mem-per-cpu': layout.cpus, 'mem-per-gpu': perGpu };
  return [{ by: [by], asks: [['memory', String(bytes * times[by.name as keyof typeof times])]] }];
}

type Gpus = GpuCount & { readonly by?: GivenSlurm };

/** How many gpus each node is to have; NaN where that cannot be read. */
function perNode(all: Counted, { nodes, tasks }: Layout): Gpus {
  const gres = all.get('gres');
  const by = all.get('gpus-per-node') ?? all.get('gpus-per-task') ?? all.get('gpus') ?? gres;
  if (by === undefined) return { count: 0, kinds: new Set() };
  const text = by === gres ? gresOf(by.value).gpus : by.value;
  if (text === '') return { count: 0, kinds: new Set() };
  const found = gpusOf(text);
  if (found === undefined) return { count: Number.NaN, kinds: new Set(), by };
  const times = by.name === 'gpus' ? 1 / nodes : by.name === 'gpus-per-task' ? tasks : 1;
  return { count: Math.ceil(found.count * times), kinds: found.kinds, by };
}

function gpus(all: Counted, layout: Layout): readonly Resource[] {
  const { count, kinds, by } = perNode(all, layout);
  const gres = all.get('gres');
  const others = gres === undefined ? [] : gresOf(gres.value).lost;
  const lost =
    gres === undefined || others.length === 0
      ? []
      : [{ by: [gres], lost: `has no equal for ${others.join(', ')}` }];
  if (by === undefined) return lost;
  if (Number.isNaN(count))
    return [...lost, { by: [by], wrong: `wants gpus as [KIND:]N, not ${quoted(by.value)}` }];
  const text = kinds.size === 1 ? `${[...kinds][0]}:${count}` : String(count);
  const any = { lost: `gets any kind of gpu: a job has gpus of one kind, not of ${[...kinds]}` };
  return [...lost, { by: [by], asks: [['gpus', text]], ...(kinds.size > 1 && any) }];
}
