import { type Flaw, flaw, quoted } from './flaw.ts';
import type { Word } from './words.ts';

/** A word, and where it begins. */
type Plain = Pick<Word, 'text' | 'at'>;

/** An option of Slurm's commands, as its manual has it. */
export type SlurmOption = {
  readonly short?: string;
  /** What stands behind it: nothing, a value, or a value that may be left out. */
  readonly takes: 'nothing' | 'value' | 'perhaps';
  /** Why it has no equal here, and what to use; '': nothing is like it. */
  readonly lacks?: string;
};

const value = (short?: string): SlurmOption =>
  short === undefined ? { takes: 'value' } : { takes: 'value', short };
const perhaps: SlurmOption = { takes: 'perhaps' };
const nothing = (short?: string): SlurmOption =>
  short === undefined ? { takes: 'nothing' } : { takes: 'nothing', short };
const lacks = (option: SlurmOption, use = ''): SlurmOption => ({ ...option, lacks: use });

const NOTIFY = 'use `notify`';
const CONSTRAINT = 'use --constraint';

/** The options of a batch script, all that Slurm's manual has. */
export const slurmOptions = {
  account: value('A'),
  array: value('a'),
  begin: value('b'),
  chdir: value('D'),
  comment: value(),
  constraint: value('C'),
  'cpus-per-task': value('c'),
  dependency: value('d'),
  error: value('e'),
  exclusive: perhaps,
  export: value(),
  gpus: value('G'),
  'gpus-per-node': value(),
  'gpus-per-task': value(),
  gres: value(),
  hold: nothing('H'),
  input: value('i'),
  'job-name': value('J'),
  mem: value(),
  'mem-per-cpu': value(),
  'mem-per-gpu': value(),
  nice: perhaps,
  nodes: value('N'),
  ntasks: value('n'),
  'ntasks-per-node': value(),
  output: value('o'),
  partition: value('p'),
  priority: value(),
  requeue: nothing(),
  time: value('t'),

  batch: lacks(value(), CONSTRAINT),
  bb: lacks(value()),
  bbf: lacks(value()),
  'cluster-constraint': lacks(value()),
  clusters: lacks(value('M'), 'say `swm --context NAME` for another installation'),
  container: lacks(value(), 'use `container-image`'),
  contiguous: lacks(nothing()),
  'core-spec': lacks(value('S')),
  'cores-per-socket': lacks(value(), CONSTRAINT),
  'cpu-freq': lacks(value()),
  'cpus-per-gpu': lacks(value(), 'use --cpus-per-task'),
  deadline: lacks(value()),
  'delay-boot': lacks(value()),
  distribution: lacks(value('m')),
  exclude: lacks(value('x'), CONSTRAINT),
  'export-file': lacks(value(), 'use --export=NAME=VALUE'),
  'extra-node-info': lacks(value('B'), CONSTRAINT),
  'get-user-env': lacks(perhaps, 'use --export=NAME=VALUE'),
  gid: lacks(value()),
  'gpu-bind': lacks(value()),
  'gpu-freq': lacks(value()),
  'gpus-per-socket': lacks(value(), 'use --gpus-per-node'),
  'gres-flags': lacks(value()),
  hint: lacks(value()),
  'ignore-pbs': lacks(nothing()),
  'kill-on-invalid-dep': lacks(value()),
  licenses: lacks(value('L')),
  'mail-type': lacks(value(), NOTIFY),
  'mail-user': lacks(value(), NOTIFY),
  'mcs-label': lacks(value()),
  'mem-bind': lacks(value()),
  mincpus: lacks(value(), 'use --cpus-per-task'),
  network: lacks(value()),
  'no-kill': lacks({ takes: 'perhaps', short: 'k' }),
  'no-requeue': lacks(nothing(), 'a job that loses its machine is tried again'),
  nodefile: lacks(value('F'), CONSTRAINT),
  nodelist: lacks(value('w'), CONSTRAINT),
  'ntasks-per-core': lacks(value()),
  'ntasks-per-gpu': lacks(value(), 'use --ntasks'),
  'ntasks-per-socket': lacks(value(), 'use --ntasks-per-node'),
  'open-mode': lacks(value()),
  overcommit: lacks(nothing('O')),
  oversubscribe: lacks(nothing('s')),
  parsable: lacks(nothing()),
  power: lacks(value()),
  prefer: lacks(value(), CONSTRAINT),
  profile: lacks(value()),
  propagate: lacks(perhaps),
  qos: lacks(value('q'), 'use --priority'),
  quiet: lacks(nothing('Q')),
  reboot: lacks(nothing()),
  reservation: lacks(value()),
  signal: lacks(value(), 'use `checkpoint` and `checkpoint-signal`'),
  'sockets-per-node': lacks(value(), CONSTRAINT),
  'spread-job': lacks(nothing()),
  switches: lacks(value()),
  'test-only': lacks(nothing(), 'say `swm submit --dry-run`'),
  'thread-spec': lacks(value()),
  'threads-per-core': lacks(value(), CONSTRAINT),
  'time-min': lacks(value(), 'use --time'),
  tmp: lacks(value(), CONSTRAINT),
  uid: lacks(value()),
  'use-min-nodes': lacks(nothing()),
  verbose: lacks(nothing('v')),
  wait: lacks(nothing('W'), 'say `swm submit --wait`'),
  'wait-all-nodes': lacks(value()),
  wckey: lacks(value(), 'use --account'),
  wrap: lacks(value(), 'say `swm submit -- COMMAND`'),
} as const satisfies Record<string, SlurmOption>;

export type SlurmName = keyof typeof slurmOptions;

/** An option that was given. */
export type GivenOption<Name extends string = string> = {
  readonly name: Name;
  /** '' of one that has none. */
  readonly value: string;
  /** Where it begins in its line, from 0, and in which line, from 1; 0: the command line. */
  readonly at: number;
  readonly line: number;
};

export type GivenSlurm = GivenOption<SlurmName>;

/** What some words ask for. `unknown` are told apart from what is wrong. */
export type ReadOptions<Name extends string> = {
  readonly given: readonly GivenOption<Name>[];
  readonly flaws: readonly Flaw[];
  readonly unknown: readonly Flaw[];
  /** What is no option, from the first such word on. */
  readonly rest: readonly Plain[];
};

type Table<Name extends string> = Readonly<Record<Name, SlurmOption>>;

/** Reads options as getopt does, to the first word that is none. */
export function readOptions<Name extends string>(
  table: Table<Name>,
  words: readonly Plain[],
  line: number,
): ReadOptions<Name> {
  const given: GivenOption<Name>[] = [];
  const flaws: Flaw[] = [];
  const unknown: Flaw[] = [];
  let next = 0;
  while (next < words.length) {
    const word = words[next] as Plain;
    if (!/^-./.test(word.text)) break;
    next += 1;
    if (word.text === '--') break;
    for (const part of partsOf(table, word.text)) {
      const behind = words[next];
      if (part.is === 'unknown') {
        unknown.push(flaw(word.at, part.text));
        // What stands behind it may be its value.
        if (!part.text.includes('=') && behind?.text.startsWith('-') === false) next += 1;
        continue;
      }
      const { takes } = table[part.name];
      const isSeparate = takes === 'value' && part.value === undefined && behind !== undefined;
      const value = isSeparate ? behind.text : part.value;
      if (isSeparate) next += 1;
      const wrong = valueFlaw(takes, value);
      if (wrong !== '') flaws.push(flaw(word.at, `--${part.name} ${wrong}`));
      else given.push({ name: part.name, value: value ?? '', at: word.at, line });
    }
  }
  return { given, flaws, unknown, rest: words.slice(next) };
}

function valueFlaw(takes: SlurmOption['takes'], value: string | undefined): string {
  if (takes === 'nothing') return value === undefined ? '' : `takes no value, not ${quoted(value)}`;
  return takes === 'value' && (value ?? '') === '' ? 'needs a value' : '';
}

type Part<Name> =
  | { readonly is: 'known'; readonly name: Name; readonly value: string | undefined }
  | { readonly is: 'unknown'; readonly text: string };

/** The options of one word: a long one, or short ones of which the last may have its value. */
function partsOf<Name extends string>(table: Table<Name>, text: string): readonly Part<Name>[] {
  if (text.startsWith('--')) {
    const [, name = '', value] = /^--([^=]*)(?:=([\s\S]*))?$/.exec(text) ?? [];
    if (!Object.hasOwn(table, name)) return [{ is: 'unknown', text }];
    return [{ is: 'known', name: name as Name, value }];
  }
  const parts: Part<Name>[] = [];
  for (let at = 1; at < text.length; at += 1) {
    const letter = text[at] as string;
    const name = (Object.keys(table) as Name[]).find((one) => table[one].short === letter);
    if (name === undefined) return [...parts, { is: 'unknown', text: `-${letter}` }];
    const value = text.slice(at + 1);
    if (table[name].takes !== 'nothing')
      return [...parts, { is: 'known', name, value: value === '' ? undefined : value }];
    parts.push({ is: 'known', name, value: undefined });
  }
  return parts;
}
