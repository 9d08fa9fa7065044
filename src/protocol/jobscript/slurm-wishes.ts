import { limits } from '../limits.ts';
import { directiveOf, directives } from './directives.ts';
import { quoted } from './flaw.ts';
import { PARTITION } from './slurm-environment.ts';
import { type GivenSlurm, type SlurmName, slurmOptions } from './slurm-options.ts';
import { type Counted, type Resource, resourcesOf } from './slurm-resources.ts';
import {
  type Asked,
  arrayOf,
  constraintOf,
  dependencyOf,
  exportOf,
  logOf,
  type Outcome,
  timeOf,
} from './slurm-values.ts';
import { quotedWord } from './words.ts';

/** A directive that options ask for, and what stands behind it. */
export type Wish = Pick<Resource, 'by' | 'aside'> & {
  readonly directive: string;
  readonly text: string;
};

/** What is to be said of an option. */
export type Remark = { readonly by: GivenSlurm; readonly text: string };

export type Wishes = {
  readonly wishes: readonly Wish[];
  readonly lost: readonly Remark[];
  readonly wrong: readonly Remark[];
};

type Own = (name: string) => string | undefined;
type Translate = (value: string, all: Counted, own: Own) => Outcome;

const plain =
  (directive: string): Translate =>
  (value) => ({ asks: [[directive, value]] });

const clamped = (value: number): Outcome => {
  const most = limits.priorityMax;
  const priority = Math.max(-most, Math.min(most, value));
  const lost = `is taken as ${priority}: priorities go from ${-most} to ${most}`;
  return { asks: [['priority', String(priority)]], ...(priority !== value && { lost }) };
};

const whole = (value: string): number | undefined =>
  /^-?\d{1,10}$/.test(value) ? Number(value) : undefined;

const nameIn = (all: Counted): string => all.get('job-name')?.value ?? '';

const log =
  (directive: 'stdout' | 'stderr'): Translate =>
  (value, all) =>
    all.has('array')
      ? { lost: 'is left out: each task has a log of its own, `swm logs ID[TASK]`' }
      : logOf(directive, value, nameIn(all));

/** What each option becomes that needs no other one; those of resources belong together. */
const translations: Partial<Readonly<Record<SlurmName, Translate>>> = {
  account: plain('account'),
  array: arrayOf,
  begin: (value) => (value === 'now' ? {} : { lost: 'has no equal: it may begin at once' }),
  chdir: (value) =>
    value.split('/').includes('..')
      ? { lost: 'is left out: it leads up by ..' }
      : { asks: [['workdir', value]] },
  comment: plain('comment'),
  constraint: constraintOf,
  dependency: dependencyOf,
  error: log('stderr'),
  exclusive: (value) => ({
    asks: [['exclusive']],
    ...(value !== '' && { lost: `is for all others: ${quoted(value)} has no equal` }),
  }),
  export: (value, _, own) => exportOf(value, own),
  hold: () => ({ asks: [['hold']] }),
  input: plain('stdin'),
  'job-name': (value) => {
    const name = [...value].slice(0, limits.nameCharsMax).join('');
    const lost = `has only its first ${limits.nameCharsMax} characters`;
    return { asks: [['name', name]], ...(name !== value && { lost }) };
  },
  nice: (value) => {
    const nice = whole(value || '100');
    return nice === undefined
      ? { wrong: `wants a whole number, not ${quoted(value)}` }
      : clamped(-nice);
  },
  output: log('stdout'),
  partition: (value) => {
    const [first = '', ...others] = value.split(',');
    const lost = `is taken as ${first}: a job waits in one queue`;
    return {
      asks: first === PARTITION ? [] : [['queue', first]],
      ...(others.length > 0 && { lost }),
    };
  },
  priority: (value) => {
    const priority = whole(value);
    return priority === undefined
      ? { lost: `is left out: wants a whole number, not ${quoted(value)}` }
      : clamped(priority);
  },
  requeue: () => ({ asks: [['on-node-loss', 'requeue']] }),
  time: timeOf,
};

/**
 * The directives that some options ask for, all of them together. `own` are the variables of
 * whoever submits, where they are known.
 */
export function wishesOf(given: readonly GivenSlurm[], own: Own = () => undefined): Wishes {
  const all: Map<SlurmName, GivenSlurm> = new Map(given.map((one) => [one.name, one]));
  const wishes: Wish[] = [];
  const lost: Remark[] = [];
  const wrong: Remark[] = [];
  const take = ({ asks = [], by, aside, ...said }: Resource): void => {
    const [first] = by as readonly [GivenSlurm, ...GivenSlurm[]];
    if (said.wrong !== undefined) wrong.push({ by: first, text: said.wrong });
    if (said.lost !== undefined) lost.push({ by: first, text: said.lost });
    for (const ask of asks) {
      const text = textOf(ask);
      if (text !== undefined) wishes.push({ directive: ask[0], text, by, ...(aside && { aside }) });
      else if (said.lost === undefined) (isWaiting(ask) ? wrong : lost).push(without(first, ''));
    }
  };
  for (const one of given) {
    const counts = all.get(one.name) as GivenSlurm;
    const use: string | undefined = lackOf(one.name);
    if (use !== undefined) lost.push(without(one, use));
    else if (counts !== one)
      lost.push({ by: one, text: 'is given again, and the last one counts' });
    else take({ ...translations[one.name]?.(one.value, all, own), by: [one] });
  }
  for (const resource of resourcesOf(all)) take(resource);
  return { wishes, lost, wrong };
}

const lackOf = (name: SlurmName): string | undefined => {
  const option: { readonly lacks?: string } = slurmOptions[name];
  return option.lacks;
};

const without = (by: GivenSlurm, use: string): Remark => ({
  by,
  text: use === '' ? 'has no equal' : `has no equal; ${use}`,
});

/** Without it the job would run before it may. */
const isWaiting = ([directive]: Asked): boolean => directive.startsWith('after');

/** What stands behind the directive, as it is read back; undefined if there is none. */
function textOf([name, ...words]: Asked): string | undefined {
  const known = directiveOf(name);
  if (known === undefined) return undefined;
  const isLine = directives[known].takes.is === 'line';
  return (isLine ? words : words.map(quotedWord)).join(' ').trim();
}
