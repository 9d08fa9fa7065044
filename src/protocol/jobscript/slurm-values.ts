import { showArray } from './arrayrange.ts';
import { quoted } from './flaw.ts';

/** A directive and the words behind it. */
export type Asked = readonly [directive: string, ...words: readonly string[]];

/** What an option of Slurm's becomes, what of it is lost, or what is wrong with it. */
export type Outcome = {
  readonly asks?: readonly Asked[];
  readonly lost?: string;
  readonly wrong?: string;
};

const asks = (...all: readonly Asked[]): Outcome => ({ asks: all });

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const FORMS = 'M, M:S, H:M:S, D-H, D-H:M or D-H:M:S';

/** `time`: minutes stand where other systems read seconds. */
export function timeOf(text: string): Outcome {
  if (/^(?:0|infinite|unlimited|-1)$/i.test(text)) return {};
  const seconds = secondsOf(text);
  if (seconds === undefined) return { wrong: `wants a time as ${FORMS}, not ${quoted(text)}` };
  return seconds === 0 ? {} : asks(['time', `${seconds}s`]);
}

/** Seconds of a time as Slurm writes it; undefined if it is none. */
function secondsOf(text: string): number | undefined {
  const found = /^(?:(\d{1,6})-)?(\d{1,9})(?::(\d{1,6}))?(?::(\d{1,6}))?$/.exec(text);
  if (found === null) return undefined;
  const [, days, ...parts] = found;
  const [first = 0, second = 0, third = 0] = parts.map((part) => Number(part ?? 0));
  if (days !== undefined) return Number(days) * DAY + first * HOUR + second * MINUTE + third;
  if (parts[2] !== undefined) return first * HOUR + second * MINUTE + third;
  return first * MINUTE + second;
}

/** Bytes of an amount that is of MiB unless it says otherwise; undefined if it is none. */
export function memoryOf(text: string): number | undefined {
  const found = /^(\d{1,12})([kmgt]?)b?$/i.exec(text);
  if (found === null) return undefined;
  const [, count = '', unit = ''] = found;
  return Number(count) * 1024 ** ' kmgt'.indexOf((unit || 'm').toLowerCase());
}

/** `array`: a range, one index, or a list that is a range in other words. */
export function arrayOf(text: string): Outcome {
  const [, list = '', limit = ''] = /^([\d,:-]*)(%\d+)?$/.exec(text) ?? [];
  if (/^\d+-\d+(?::\d+)?$/.test(list)) return asks(['array', `${list}${limit}`]);
  const tasks = /^\d{1,9}(?:,\d{1,9})*$/.test(list) ? list.split(',').map(Number) : [];
  const [first = 0, second = first + 1] = tasks;
  const step = second - first;
  if (tasks.length > 0 && step > 0 && tasks.every((task, at) => task === first + at * step)) {
    const range = { first, last: tasks.at(-1) as number, step, limit: 0 };
    return asks(['array', `${showArray(range)}${limit}`]);
  }
  const wanted = 'wants one range, as A-B[:STEP][%LIMIT]; submit it once for each range';
  return { wrong: `${wanted}, not for ${quoted(text)}` };
}

const KINDS: Readonly<Record<string, string>> = {
  after: 'after',
  afterany: 'after-any',
  afterok: 'after-ok',
  afternotok: 'after-not-ok',
  aftercorr: 'after-ok',
};

/**
 * `dependency`. One that has no equal is wrong, not lost: without it the job would run too early,
 * and on what is not there yet.
 */
export function dependencyOf(text: string): Outcome {
  if (text.includes('?')) return { wrong: 'wants all of its jobs: an or by `?` has no equal' };
  const asked: Asked[] = [];
  const lost: string[] = [];
  for (const part of text.split(',')) {
    const [kind = '', ...jobs] = part.split(':');
    const directive = KINDS[kind.toLowerCase()];
    if (directive === undefined || jobs.length === 0) {
      const known = Object.keys(KINDS).join(', ');
      return { wrong: `wants KIND:ID[:ID], KIND one of ${known}, not ${quoted(part)}` };
    }
    if (kind.toLowerCase() === 'aftercorr') lost.push('waits for all tasks of the other array');
    if (jobs.some((job) => job.includes('+'))) lost.push('the minutes behind a + are left out');
    asked.push([directive, ...jobs.map((job) => job.replace(/\+.*$/, ''))]);
  }
  return { asks: asked, ...(lost.length > 0 && { lost: lost.join('; ') }) };
}

/** How many gpus in all, and of which kinds; none: of any. */
export type GpuCount = { readonly count: number; readonly kinds: ReadonlySet<string> };

/** Gpus as `[KIND:]N`, or several such with commas. */
export function gpusOf(text: string): GpuCount | undefined {
  const parts = text.split(',').map((part) => /^(?:([A-Za-z][\w.-]*):)?(\d{1,6})$/.exec(part));
  if (parts.some((part) => part === null)) return undefined;
  const kinds = new Set(parts.flatMap((part) => part?.[1] ?? []));
  return { count: parts.reduce((sum, part) => sum + Number(part?.[2]), 0), kinds };
}

/** The gpus of `gres`; what else it asks for is told as lost. */
export function gresOf(text: string): { readonly gpus: string; readonly lost: readonly string[] } {
  const gpus: string[] = [];
  const lost: string[] = [];
  for (const part of text.split(',')) {
    const found = /^gpu(?::([A-Za-z][\w.-]*))?(?:[:=](\d{1,6}))?$/.exec(part);
    if (found === null) lost.push(part);
    else gpus.push(`${found[1] === undefined ? '' : `${found[1]}:`}${found[2] ?? '1'}`);
  }
  return { gpus: gpus.join(','), lost };
}

/** `constraint`: labels that all must be there. */
export function constraintOf(text: string): Outcome {
  if (!/^[\w.+-]+(?:[&,][\w.+-]+)*$/.test(text))
    return { lost: 'is left out: wants labels with & between them, and has no other signs' };
  return asks(['constraint', ...text.split(/[&,]/)]);
}

/** `output` and `error`: a file in the job's directory. `%j` is put in where the job runs. */
export function logOf(directive: 'stdout' | 'stderr', text: string, name: string): Outcome {
  const where = 'is left out: `swm logs ID` shows what it prints';
  if (text.startsWith('/') || text.split('/').includes('..'))
    return { lost: `${where}; a log is a file in the job's directory` };
  let odd = '';
  const path = text.replace(/%(\d*)(.?)/g, (whole, _, letter: string) => {
    if (letter === '%') return '%';
    if (letter === 'x') return name.replaceAll('/', '-');
    if (/[jAJ]/.test(letter)) return '%j';
    odd ||= whole;
    return whole;
  });
  if (odd !== '') return { lost: `${where}; ${odd} has no equal` };
  return asks([directive, path]);
}

/** `export`: variables with their values, and those of our own environment that are named. */
export function exportOf(text: string, own: (name: string) => string | undefined): Outcome {
  const asked: string[] = [];
  const lost: string[] = [];
  for (const part of text.split(',')) {
    if (/^(?:NONE|NIL|)$/.test(part)) continue;
    const value = part.includes('=') ? undefined : own(part);
    if (part.includes('=')) asked.push(part);
    else if (part !== 'ALL' && value !== undefined) asked.push(`${part}=${value}`);
    else lost.push(part);
  }
  const why = `of ${lost.join(', ')} is left out: only variables that are given a value go along`;
  return { asks: asked.map((one) => ['env', one]), ...(lost.length > 0 && { lost: why }) };
}
