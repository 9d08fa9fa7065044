import type { TaskView } from '../protocol/array-model.ts';
import { sharesNetwork } from '../protocol/jobscript/container-network.ts';
import type { JobView } from '../protocol/model.ts';
import { exits } from './exits.ts';
import { exitText } from './jobs.ts';
import type { Screen } from './screen.ts';
import { harmless } from './screen.ts';
import { pairs } from './table.ts';
import { named } from './task-ids.ts';
import { type Call, isOn } from './verb.ts';
import { amount, instant, resources, short, size, span } from './words.ts';

/** Shows all that is kept of a job. */
export async function run({ args, options, screen, client }: Call): Promise<number> {
  const { job } = await (await client()).call('job.show', named(args[0]!));
  if (isOn(options, 'script')) await screen.write(new TextEncoder().encode(job.script));
  else if (screen.json) screen.printJson(job);
  else print(screen, job);
  return exits.good;
}

function print(screen: Screen, job: JobView): void {
  for (const line of pairs(factsOf(job).filter(([, value]) => value !== ''))) screen.print(line);
  section(
    screen,
    'timeline',
    job.timeline.map(({ at, what }) => `${instant(at)}  ${what}`),
  );
  section(
    screen,
    'outputs',
    job.outputs.map(({ path, bytes }) => `${path}  (${size(bytes)})`),
  );
  section(screen, 'missing outputs', job.missing);
  section(screen, 'not enforced', job.unenforced);
  section(screen, 'tasks', (job.shown ?? []).map(taskText));
}

function section(screen: Screen, title: string, lines: readonly string[]): void {
  if (lines.length === 0) return;
  screen.print('');
  screen.print(screen.paint('bold', title));
  for (const line of lines) screen.print(`  ${harmless(line)}`);
}

function taskText({ index, state, exitcode, signal, tries, shift }: TaskView): string {
  const how = state === 'exited' ? `exit ${exitcode}` : signal > 0 ? `signal ${signal}` : '';
  const before = tries === 0 ? '' : `tried ${tries} times before`;
  const by = shift === '' ? '' : `by ${shift}`;
  const words = [state, how, before, by].filter((word) => word !== '');
  return `${index}  ${words.join(', ')}`;
}

function checkpointOf({ checkpoint }: JobView): string {
  if (!checkpoint) return '';
  const bytes = checkpoint.files.reduce((sum, file) => sum + file.bytes, 0);
  const files = `${checkpoint.files.length} file${checkpoint.files.length === 1 ? '' : 's'}`;
  return `${instant(checkpoint.at)}, of attempt ${checkpoint.attempt}: ${files}, ${size(bytes)}`;
}

type Fact = readonly [name: string, value: string];

function factsOf(job: JobView): readonly Fact[] {
  const { spec } = job;
  const ended = job.endedAt === 0 ? Date.now() : job.endedAt;
  return [
    ['id', job.id],
    ['name', job.name],
    ['state', `${job.state}  ${job.phase}${job.details === '' ? '' : `: ${job.details}`}`],
    ['exit', exitText(job)],
    ['attempt', job.run > 1 ? `${job.attempt}, run ${job.run}` : String(job.attempt)],
    ['submitted', instant(job.submittedAt)],
    ['started', instant(job.startedAt)],
    ['ended', instant(job.endedAt)],
    ['ran for', job.startedAt === 0 ? '' : span(ended - job.startedAt)],
    ['checkpoint', checkpointOf(job)],
    ['asks for', resources(spec)],
    ...usedFacts(job),
    ['image', spec.containerImage],
    ['network', networkText(job)],
    ['walltime', spec.walltimeMs === 0 ? '' : span(spec.walltimeMs)],
    ['nodes', job.nodes.join(' ')],
    ['cluster', job.cluster],
    ['site', job.remote],
    ['flavor', job.flavor],
    ['price', job.price === 0 ? '' : `${job.price} an hour and node`],
    ['cost', costText(job)],
    ['budget', spec.budget ? amount(spec.budget) : ''],
    ['max-price', spec.maxPrice ? `${amount(spec.maxPrice)} an hour` : ''],
    ['deadline', spec.deadlineMs ? instant(job.submittedAt + spec.deadlineMs) : ''],
    ['ports at', job.address],
    ['account', job.account],
    ['dag', job.dag === undefined ? '' : `${job.dag.dag} ${short(job.dag.id)}: ${job.dag.job}`],
    ['comment', job.comment],
    ['owner', job.owner],
  ];
}

/** Told where a container has more than its own. */
function networkText({ spec }: JobView): string {
  const why = spec.containerImage === '' ? '' : sharesNetwork(spec);
  return why === '' ? '' : `that of its node: ${why}`;
}

/** What each of its processes has used: on the whole, and at most. */
function usedFacts({ used = [] }: JobView): readonly Fact[] {
  return used.flatMap(({ rank, cpuPercent, memBytes, gpuUtilPercent, gpuMemBytes }) => {
    const spread = (of: typeof memBytes, unit: (n: number) => string): readonly string[] =>
      of === null ? [] : [`${unit(of.avg)}, at most ${unit(of.max)}`];
    const percent = (n: number): string => `${Math.round(n)} %`;
    const parts = [
      ...spread(cpuPercent, percent).map((text) => `${text} of a core`),
      ...spread(memBytes, size),
      ...spread(gpuUtilPercent, percent).map((text) => `${text} of its GPUs`),
      ...spread(gpuMemBytes, size).map((text) => `${text} there`),
    ];
    const name = used.length > 1 ? `rank ${rank} uses` : 'uses';
    return parts.length === 0 ? [] : [[name, parts.join('; ')] as const];
  });
}

/** What it has cost, with what its former runs have. */
function costText({ cost = 0, costBefore = 0, endedAt }: JobView): string {
  if (cost === 0 && costBefore === 0) return '';
  const so = endedAt === 0 ? ' so far' : '';
  const before = costBefore > 0 ? `, ${amount(cost + costBefore)} with its former runs` : '';
  return `${amount(cost)}${so}${before}`;
}
