import type { JobView } from '../../protocol/model.ts';
import { each } from '../each.ts';
import { exits, Usage } from '../exits.ts';
import { harmless } from '../screen.ts';
import type { Call } from '../verb.ts';
import { askedOf } from './asked.ts';
import { idOf, listed } from './rows.ts';
import {
  clock,
  coresOf,
  elapsed,
  isLive,
  moment,
  nodesOf,
  partitionOf,
  stateOf,
} from './states.ts';

const options = { oneliner: { takes: 'nothing', short: 'o' } } as const;
const KNOWN = 'show job [ID], hold ID, release ID';

/** Shows all of a job, or holds and releases some. */
export async function run(call: Call, words: readonly string[]): Promise<number> {
  const asked = askedOf('scontrol', options, words);
  const [verb = '', ...rest] = asked.rest;
  const ids = rest.flatMap((word) => word.split(','));
  const quiet = { ...call, screen: { ...call.screen, print: () => {} } };
  if ((verb === 'hold' || verb === 'release') && ids.length > 0)
    return each({ ...quiet, args: ids }, `job.${verb}`);
  if (verb !== 'show' || !/^jobs?$/.test(rest[0] ?? ''))
    throw new Usage(`scontrol: ${asked.rest.join(' ')} is not supported; there are ${KNOWN}`);
  const client = await call.client();
  const named = ids.slice(1);
  const all = named.length > 0 ? named : (await listed(client)).filter(isLive).map(({ id }) => id);
  for (const id of all) {
    const { job } = await client.call('job.show', { id });
    const lines = factsOf(job, Date.now()).map((facts) => facts.map(shown).join(' '));
    if (asked.has('oneliner')) call.screen.print(lines.join(' '));
    else call.screen.print(`${lines.join('\n   ')}\n`);
  }
  return exits.good;
}

type Fact = readonly [name: string, value: string];
const shown = ([name, value]: Fact): string => `${name}=${harmless(value)}`;

/** In Slurm's lines, with what we have of them. */
function factsOf(job: JobView, now: number): readonly (readonly Fact[])[] {
  const { spec } = job;
  const cpus = coresOf(job);
  const log = (path: string, stream: string): string => path || `(swm logs ${stream}${idOf(job)})`;
  return [
    [
      ['JobId', idOf(job)],
      ['JobName', job.name],
    ],
    [
      ['UserId', job.owner],
      ['Account', job.account || '(null)'],
    ],
    [
      ['Priority', String(spec.priority)],
      ['Partition', partitionOf(job)],
      ['Requeue', spec.onNodeLoss === 'requeue' ? '1' : '0'],
      ['Restarts', String(Math.max(0, job.attempt - 1))],
    ],
    [
      ['JobState', stateOf(job)],
      ['Reason', job.details.replaceAll('\n', ' ') || 'None'],
      ['ExitCode', `${job.exitcode}:${job.signal}`],
    ],
    [
      ['RunTime', clock(elapsed(job, now))],
      ['TimeLimit', spec.walltimeMs === 0 ? 'UNLIMITED' : clock(spec.walltimeMs)],
    ],
    [['SubmitTime', moment(job.submittedAt)]],
    [
      ['StartTime', moment(job.startedAt)],
      ['EndTime', moment(job.endedAt)],
    ],
    [['NodeList', job.nodes.join(',') || '(null)']],
    [
      ['NumNodes', String(nodesOf(job))],
      ['NumCPUs', String(cpus)],
      ['MinMemoryNode', `${Math.round(spec.memoryBytes / (1 << 20))}M`],
    ],
    [['Comment', job.comment || '(null)']],
    [['WorkDir', spec.workdir || "(the job's own)"]],
    [['StdErr', log(spec.stderr, '--stderr ')]],
    [['StdOut', log(spec.stdout, '')]],
  ];
}
