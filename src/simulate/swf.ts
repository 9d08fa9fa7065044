import { limits } from '../protocol/limits.ts';
import type { Fault, Past, Trace } from './trace.ts';

/**
 * The Standard Workload Format, in which sites publish what ran on their machines: a line for each
 * job, 18 numbers, of which -1 is one that nobody knows; lines that begin with `;` tell of the
 * machine. Lines with the states 2 to 4 are parts of jobs that have a line of their own.
 */

const FIELDS = 18;
/** What each number means, of those that are looked at, by its place. */
const JOB = 0;
const SUBMIT = 1;
const RUN = 3;
const USED_PROCESSORS = 4;
const PROCESSORS = 7;
const TIME = 8;
const MEMORY_KIB = 9;
const STATUS = 10;
const USER = 11;
const GROUP = 12;
const QUEUE = 14;
const AFTER = 16;
const THINK = 17;

const seconds = { least: -1, most: limits.traceSecondsMax };
const number = { least: -1, most: limits.traceProcessorsMax };
type Span = { readonly name: string; readonly least: number; readonly most: number };
const spans: Readonly<Record<number, Span>> = {
  [JOB]: { name: 'job number', least: 0, most: Number.MAX_SAFE_INTEGER },
  [SUBMIT]: { name: 'submit time', least: 0, most: limits.traceSecondsMax },
  [RUN]: { name: 'run time', ...seconds },
  [USED_PROCESSORS]: { name: 'allocated processors', ...number },
  [PROCESSORS]: { name: 'requested processors', ...number },
  [TIME]: { name: 'requested time', ...seconds },
  [MEMORY_KIB]: { name: 'requested memory', least: -1, most: 2 ** 40 },
  [STATUS]: { name: 'status', least: -1, most: 5 },
  [THINK]: { name: 'think time', ...seconds },
};

export type Swf = { readonly trace: Trace; readonly faults: readonly Fault[] };

type Reading = {
  readonly jobs: Past[];
  /** Where each is among them, by its number; of one that is left out, nothing. */
  readonly places: Map<number, number | undefined>;
  readonly header: Map<string, number>;
  readonly faults: Fault[];
  leftOut: number;
};

/** Reads a whole file; where there are faults, the trace is what is left without them. */
export function readSwf(text: string): Swf {
  const reading: Reading = {
    jobs: [],
    places: new Map(),
    header: new Map(),
    faults: [],
    leftOut: 0,
  };
  let line = 0;
  for (const [raw] of text.matchAll(/[^\n]*(?:\n|$)/g)) {
    line += 1;
    const found = raw.trim();
    if (found === '') continue;
    const wrong = found.startsWith(';') ? remark(reading, found) : row(reading, found);
    if (wrong !== '') reading.faults.push({ line, text: wrong });
  }
  const { jobs, leftOut, faults } = reading;
  return { trace: { ...inOrder(jobs), ...machineOf(reading), leftOut }, faults };
}

/** `; MaxNodes: 128 of them`; what else is told there is for people. */
function remark({ header }: Reading, text: string): string {
  const [, key, value] = /^;\s*(\w+)\s*:\s*(\d+)\b/.exec(text) ?? [];
  if (key !== undefined && !header.has(key)) header.set(key, Number(value));
  return '';
}

function row(reading: Reading, text: string): string {
  const { jobs, places, header } = reading;
  const fields = text.split(/\s+/);
  if (fields.length !== FIELDS) return `wanted ${FIELDS} fields, found ${fields.length}`;
  const values = fields.map(numberOf);
  const odd = values.findIndex(Number.isNaN);
  if (odd >= 0) return `field ${odd + 1}: ${shown(fields[odd]!)} is no number`;
  for (const [at, { name, least, most }] of Object.entries(spans)) {
    const value = values[+at]!;
    if (value >= least && value <= most) continue;
    return `field ${+at + 1}, the ${name}, is ${shown(fields[+at]!)}, not ${least} to ${most}`;
  }
  const job = values[JOB]!;
  const isPart = values[STATUS]! >= 2 && values[STATUS]! <= 4;
  if (isPart) return '';
  if (places.has(job)) return `field 1: there is a job ${job} already`;
  if (jobs.length === limits.traceJobsMax) return `more than ${limits.traceJobsMax} jobs`;
  if (values[AFTER]! > 0 && !places.has(values[AFTER]!))
    return `field 17: no line before is of a job ${values[AFTER]}`;
  const past = pastOf(values, places, header.get('UnixStartTime') ?? 0);
  places.set(job, past && jobs.length);
  if (past === undefined) reading.leftOut += 1;
  else jobs.push(past);
  return '';
}

const numberOf = (text: string): number =>
  /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;

const SHOWN_CHARS = 20;
const shown = (text: string): string => JSON.stringify(text.slice(0, SHOWN_CHARS));

/** Of one that did not run nothing can be simulated. */
function pastOf(
  values: readonly number[],
  places: Reading['places'],
  startsAt: number,
): Past | undefined {
  const at = (field: number): number => values[field]!;
  const asked = at(PROCESSORS) > 0 ? at(PROCESSORS) : at(USED_PROCESSORS);
  if (at(RUN) < 0 || asked < 1) return undefined;
  const before = at(AFTER) > 0 ? places.get(at(AFTER)) : undefined;
  const count = Math.ceil(asked);
  const memoryBytes = Math.max(0, Math.ceil(at(MEMORY_KIB))) * 1024;
  return {
    name: String(at(JOB)),
    submittedAt: ms(startsAt + at(SUBMIT)),
    runMs: ms(at(RUN)),
    walltimeMs: ms(Math.max(0, at(TIME))),
    wants: { is: 'processors', count, memoryBytes },
    owner: named(at(USER)),
    account: named(at(GROUP)),
    queue: named(at(QUEUE)),
    ...(before !== undefined && { after: { job: before, ...thoughtFor(at(THINK)) } }),
  };
}

const thoughtFor = (of: number) => (of < 0 ? {} : { thinkMs: ms(of) });

const ms = (of: number): number => Math.round(of * 1000);
const named = (number: number): string => (number < 0 ? '' : String(number));

/** Some traces are not sorted, though all should be. */
function inOrder(jobs: readonly Past[]): Pick<Trace, 'jobs'> {
  const order = jobs.map((_, at) => at);
  order.sort((a, b) => jobs[a]!.submittedAt - jobs[b]!.submittedAt || a - b);
  if (order.every((place, at) => place === at)) return { jobs };
  const places = new Map(order.map((place, at) => [place, at]));
  return {
    jobs: order.map((place) => {
      const { after, ...job } = jobs[place]!;
      if (after === undefined) return job;
      return { ...job, after: { ...after, job: places.get(after.job)! } };
    }),
  };
}

function machineOf({ header }: Reading): Pick<Trace, 'machine'> {
  const processors = header.get('MaxProcs') ?? header.get('MaxNodes') ?? 0;
  const nodes = header.get('MaxNodes') ?? processors;
  if (nodes < 1 || processors < 1) return {};
  return { machine: { nodes, cpus: Math.max(1, Math.floor(processors / nodes)) } };
}

/** The other way round: the text of a trace, with remarks about it. */
export function writeSwf(trace: Trace, remarks: readonly string[]): string {
  const startsAt = trace.jobs[0]?.submittedAt ?? 0;
  const rows = trace.jobs.map(({ wants, ...job }, at) => {
    const values = Array.from({ length: FIELDS }, () => -1);
    const wait = 0;
    const processors =
      wants.is === 'processors' ? wants.count : wants.nodes * Math.max(1, wants.each.cpus);
    Object.assign(values, {
      [JOB]: at + 1,
      [SUBMIT]: secondsOf(job.submittedAt - startsAt),
      [SUBMIT + 1]: wait,
      [RUN]: secondsOf(job.runMs),
      [USED_PROCESSORS]: processors,
      [PROCESSORS]: processors,
      [TIME]: secondsOf(job.walltimeMs) || -1,
      [STATUS]: 1,
      [USER]: job.owner || -1,
      [GROUP]: job.account || -1,
      [QUEUE]: job.queue || -1,
    });
    return values.join(' ');
  });
  const { nodes = 0, cpus = 0 } = trace.machine ?? {};
  const header = [
    ...['Version: 2.2', `MaxJobs: ${trace.jobs.length}`, `UnixStartTime: ${secondsOf(startsAt)}`],
    ...[`MaxNodes: ${nodes}`, `MaxProcs: ${nodes * cpus}`],
    ...remarks.map((text) => `Note: ${text}`),
  ];
  return `${[...header.map((text) => `; ${text}`), ...rows].join('\n')}\n`;
}

const secondsOf = (of: number): number => Math.round(of / 1000);
