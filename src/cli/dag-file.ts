import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { type ConfigFile, readConfigFile } from '../config-file.ts';
import { nearest } from '../protocol/didyoumean.ts';
import { limits } from '../protocol/limits.ts';
import type { After } from '../protocol/model.ts';
import { Usage } from './exits.ts';
import { reasonOf } from './inputs.ts';
import { filled, parametersOf } from './template.ts';

export type Need = { readonly job: string; readonly when: After[number]['when'] };

export type DagJob = {
  readonly name: string;
  /** What errors call its script. */
  readonly file: string;
  readonly script: string;
  readonly needs: readonly Need[];
};

export type Dag = {
  readonly name: string;
  /** Each behind all that it needs. */
  readonly jobs: readonly DagJob[];
};

type Values = Readonly<Record<string, unknown>>;
type Reading = {
  readonly file: ConfigFile;
  readonly flaws: string[];
  readonly params: Readonly<Record<string, string>>;
};

/** Reads a DAG and checks all of it. Throws `Usage` with a line for each flaw, and its place. */
export async function readDag(path: string, given: Readonly<Record<string, string>>): Promise<Dag> {
  const file = await readConfigFile(path, true);
  const flaws: string[] = [];
  const values = file.values as Values;
  const reading = { file, flaws, params: {} };
  known(reading, [], values, ['name', 'params', 'jobs']);
  const name = values['name'] ?? basename(path).replace(/\.dag\.ya?ml$|\.ya?ml$/, '');
  if (!isName(name)) flaw(reading, ['name'], 'wants a name of letters, digits and ._-');
  const params = { ...scalars(reading, ['params'], values['params']), ...given };
  for (const one of Object.keys(given))
    if (!isRecord(values['params']) || !(one in values['params']))
      flaw(reading, ['params'], `${one} is no parameter: \`params\` does not list it`);
  const jobs = await jobsOf({ ...reading, params }, values['jobs']);
  if (flaws.length > 0) throw new Usage(flaws.join('\n'));
  return { name: name as string, jobs: inOrder(reading, jobs) };
}

async function jobsOf(reading: Reading, values: unknown): Promise<readonly DagJob[]> {
  if (!isRecord(values) || Object.keys(values).length === 0) {
    flaw(reading, ['jobs'], 'wants at least one job, as in `first: { file: first.job }`');
    return [];
  }
  const names = Object.keys(values);
  if (names.length > limits.dagJobsMax)
    flaw(reading, ['jobs'], `there are more than ${limits.dagJobsMax} jobs`);
  const jobs: DagJob[] = [];
  for (const name of names) jobs.push(await jobOf(reading, name, values[name], names));
  return jobs;
}

async function jobOf(
  reading: Reading,
  name: string,
  value: unknown,
  names: readonly string[],
): Promise<DagJob> {
  const at = ['jobs', name];
  const job = isRecord(value) ? value : {};
  if (!isName(name)) flaw(reading, at, 'wants a name of letters, digits and ._-');
  if (!isRecord(value)) flaw(reading, at, 'wants keys: `script` or `file`, and `needs`, `params`');
  known(reading, at, job, ['script', 'file', 'needs', 'params']);
  const own = scalars(reading, [...at, 'params'], job['params']);
  const needs = needsOf(reading, [...at, 'needs'], job['needs'], names);
  const { file, script } = await scriptOf(reading, at, job);
  return { name, needs, file, script: filledFor(reading, own, file, script) };
}

async function scriptOf(
  reading: Reading,
  at: readonly string[],
  { script, file }: Values,
): Promise<Pick<DagJob, 'file' | 'script'>> {
  const label = `${reading.file.path}(${at[1]})`;
  const nothing = { file: label, script: '' };
  if ((script === undefined) === (file === undefined)) {
    if (Object.keys({ script, file }).length > 0)
      flaw(reading, at, 'wants either a `script` or a `file`');
    return nothing;
  }
  if (typeof script === 'string') return { file: label, script };
  if (typeof file !== 'string') {
    flaw(reading, [...at, script === undefined ? 'file' : 'script'], 'wants text');
    return nothing;
  }
  const path = resolve(dirname(reading.file.path), file);
  try {
    return {
      file: path,
      script: new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path)),
    };
  } catch (error) {
    const why = error instanceof TypeError ? 'is not UTF-8 text' : reasonOf(error as never);
    flaw(reading, [...at, 'file'], `${file}: ${why}`);
    return nothing;
  }
}

/** What the DAG says goes to those that want it; what the job says must be wanted. */
function filledFor(
  { params, flaws }: Reading,
  own: Readonly<Record<string, string>>,
  file: string,
  script: string,
): string {
  const wanted = new Set(parametersOf(script));
  const shared = Object.entries(params).filter(([name]) => wanted.has(name));
  try {
    return filled(script, file, { ...Object.fromEntries(shared), ...own });
  } catch (error) {
    if (!(error instanceof Usage)) throw error;
    flaws.push(error.message);
    return '';
  }
}

const conditions: Readonly<Record<string, Need['when']>> = {
  ok: 'after-ok',
  'not-ok': 'after-not-ok',
  any: 'after-any',
  started: 'after',
};

function needsOf(
  reading: Reading,
  at: readonly string[],
  value: unknown,
  names: readonly string[],
): readonly Need[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) {
    flaw(reading, at, 'wants a list of jobs');
    return [];
  }
  const seen = new Set<string>();
  return value.flatMap((need: unknown, i): readonly Need[] => {
    const place = [...at, String(i)];
    const whole = typeof need === 'string' ? { job: need } : need;
    if (!isRecord(whole) || typeof whole['job'] !== 'string') {
      flaw(reading, place, 'wants a job, or `{ job: NAME, if: ok }`');
      return [];
    }
    known(reading, place, whole, ['job', 'if']);
    const { job, if: condition = 'ok' } = whole;
    const when = conditions[String(condition)];
    if (when === undefined)
      flaw(reading, place, `\`if\` wants ${Object.keys(conditions).join(', ')}, not ${condition}`);
    if (!names.includes(job)) {
      const near = nearest(job, names);
      flaw(reading, place, `there is no job ${job}${near ? `; did you mean ${near}?` : ''}`);
    }
    if (seen.has(job)) flaw(reading, place, `${job} was named already`);
    seen.add(job);
    return when === undefined ? [] : [{ job, when }];
  });
}

/** As the file has them, but each behind what it needs. Throws `Usage` if they go round. */
function inOrder(reading: Reading, jobs: readonly DagJob[]): readonly DagJob[] {
  const byName = new Map(jobs.map((job) => [job.name, job]));
  const done = new Set<DagJob>();
  const place = (job: DagJob, trail: readonly string[]): void => {
    if (done.has(job)) return;
    const at = trail.indexOf(job.name);
    if (at >= 0) {
      const round = [...trail.slice(at), job.name].reverse().join(' → ');
      const where = reading.file.locate(['jobs', job.name, 'needs']);
      throw new Usage(`${where}: these wait for each other: ${round}`);
    }
    for (const need of job.needs) place(byName.get(need.job) as DagJob, [...trail, job.name]);
    done.add(job);
  };
  for (const job of jobs) place(job, []);
  return [...done];
}

function scalars(
  reading: Reading,
  at: readonly string[],
  value: unknown,
): Readonly<Record<string, string>> {
  if (value === undefined || value === null) return {};
  if (!isRecord(value)) {
    flaw(reading, at, 'wants names and values');
    return {};
  }
  for (const [name, one] of Object.entries(value))
    if (!['string', 'number', 'boolean'].includes(typeof one))
      flaw(reading, [...at, name], 'wants text or a number');
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, String(one)]));
}

function known(
  reading: Reading,
  at: readonly string[],
  value: Values,
  keys: readonly string[],
): void {
  for (const key of Object.keys(value)) {
    if (keys.includes(key)) continue;
    const near = nearest(key, keys);
    const hint = near === undefined ? `there are ${keys.join(', ')}` : `did you mean ${near}?`;
    flaw(reading, [...at, key], `${key} is no key here; ${hint}`);
  }
}

const flaw = ({ file, flaws }: Reading, at: readonly string[], text: string): void =>
  void flaws.push(`${file.locate(at)}: ${text}`);

const isRecord = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isName = (value: unknown): boolean =>
  typeof value === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(value);
