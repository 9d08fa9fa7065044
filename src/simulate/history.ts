import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import { limits } from '../protocol/limits.ts';
import { count, instant, JobPhase, list, Resources, text } from '../protocol/model.ts';
import type { Fault, Past, Trace } from './trace.ts';

/** What is read of a job that a head lists or shows; all else is left. */
const Row = Type.Object({
  id: text(64),
  phase: JobPhase,
  owner: text(64),
  account: text(256),
  submittedAt: instant,
  startedAt: instant,
  endedAt: instant,
  request: Type.Optional(Type.Object({ nodes: count(limits.nodesMax), ...Resources.properties })),
  nodes: list(text(100), limits.nodesMax),
  resources: Type.Optional(Resources),
  /** Only where the job was shown. */
  spec: Type.Optional(Type.Object({ queue: text(256), walltimeMs: instant })),
});
type Row = Static<typeof Row>;

/** Jobs of ours that have ended, as `swm jobs --json` and `swm show --json` print them. */
export function readHistory(rows: readonly unknown[]): {
  readonly trace: Trace;
  readonly faults: readonly Fault[];
} {
  const jobs: Past[] = [];
  const faults: Fault[] = [];
  for (const [at, row] of rows.entries()) {
    if (!Value.Check(Row, row)) {
      const { instancePath = '', message = 'is no job' } = Value.Errors(Row, row)[0] ?? {};
      const key = instancePath.slice(1).replaceAll('/', '.');
      faults.push({ line: at + 1, text: key === '' ? message : `${key}: ${message}` });
      continue;
    }
    const past = pastOf(row);
    if (past !== undefined && jobs.length < limits.traceJobsMax) jobs.push(past);
  }
  jobs.sort((a, b) => a.submittedAt - b.submittedAt);
  return { trace: { jobs, leftOut: rows.length - faults.length - jobs.length }, faults };
}

/** Of one that never ran, or runs still, nothing can be simulated. */
function pastOf(row: Row): Past | undefined {
  const { id, phase, owner, account, submittedAt, startedAt, endedAt, spec, request } = row;
  const each = row.resources ?? request;
  const nodes = request?.nodes || row.nodes.length;
  if (phase !== 'ended' || startedAt === 0 || endedAt < startedAt) return undefined;
  if (each === undefined || nodes === 0) return undefined;
  const { cpus, memoryBytes, gpus, named } = each;
  return {
    ...{ name: id, submittedAt, owner, account, queue: spec?.queue ?? '' },
    runMs: endedAt - startedAt,
    walltimeMs: spec?.walltimeMs ?? 0,
    wants: { is: 'nodes', nodes, each: { cpus, memoryBytes, gpus, ...(named && { named }) } },
  };
}
