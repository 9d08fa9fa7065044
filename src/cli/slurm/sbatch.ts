import { slurmId } from '../../protocol/jobscript/slurm-environment.ts';
import { slurmLinesOf } from '../../protocol/jobscript/slurm-lines.ts';
import { type GivenSlurm, slurmOptions } from '../../protocol/jobscript/slurm-options.ts';
import { type Wish, wishesOf } from '../../protocol/jobscript/slurm-wishes.ts';
import { type Word, wordsOf } from '../../protocol/jobscript/words.ts';
import type { Ask } from '../asks.ts';
import { exits, Usage } from '../exits.ts';
import { findInputs } from '../inputs.ts';
import type { Screen } from '../screen.ts';
import { overridden } from '../script-edit.ts';
import { noteWarnings, read, readScript, submitted } from '../submit.ts';
import type { Call } from '../verb.ts';
import { resultOf } from '../waiting.ts';
import { type Asked, askedOf } from './asked.ts';

/** What is of the command itself, not of the job. */
const own = ['parsable', 'quiet', 'verbose', 'wait', 'test-only', 'wrap'] as const;
type Own = (typeof own)[number];
/** The same rows, but that these have a meaning here. */
const options = {
  ...slurmOptions,
  ...(Object.fromEntries(
    own.map((name) => [name, { ...slurmOptions[name], lacks: undefined }]),
  ) as unknown as Pick<typeof slurmOptions, Own>),
};

/** Submits a batch script as Slurm's command does. */
export async function run({ screen, client }: Call, words: readonly string[]): Promise<number> {
  const asked = askedOf('sbatch', options, words);
  const { file, text } = await scriptOf(asked);
  const given = asked.given.filter(({ name }) => !own.some((one) => one === name));
  const script = edited(screen, file, text, given as readonly GivenSlurm[]);
  const inputs = await findInputs(read(script, file).spec.inputFiles, process.cwd());
  if (asked.has('test-only')) {
    screen.note(`sbatch: ${file} is well-formed; nothing was sent`);
    return exits.good;
  }
  const open = await client();
  const id = await submitted(screen, open, { file, script, inputs }, {});
  if (asked.has('parsable')) screen.print(slurmId(id));
  else if (!asked.has('quiet')) screen.print(`Submitted batch job ${slurmId(id)}`);
  const silent: Screen = { ...screen, json: false };
  return asked.has('wait') ? resultOf(open, silent, id) : exits.good;
}

async function scriptOf({ rest, of }: Asked<keyof typeof options>) {
  const [file = '-', more] = rest;
  const wrap = of('wrap');
  if (wrap !== undefined && rest.length > 0)
    throw new Usage(`sbatch: --wrap is the script; ${file} is one too many`);
  if (more !== undefined)
    throw new Usage(`sbatch: a script gets no arguments, such as ${more}; use --export=NAME=VALUE`);
  if (wrap !== undefined) return { file: 'wrap', text: `#!/bin/sh\n${wrap}\n` };
  return { file: file === '-' ? 'stdin' : file, text: await readScript(file) };
}

/**
 * The script with directives of what the command line says, which counts most. Options belong
 * together, wherever they are given: the cores of a node follow from several.
 */
export function edited(
  screen: Pick<Screen, 'note'>,
  file: string,
  text: string,
  given: readonly GivenSlurm[],
): string {
  const { spec, warnings } = read(text, file);
  noteWarnings(screen, file, warnings);
  const isNew = ({ name }: GivenSlurm): boolean => given.every((one) => one.name !== name);
  const ofScript = slurmLinesOf(text).given.filter(isNew);
  const { wishes, lost, wrong } = wishesOf([...ofScript, ...given], (name) => process.env[name]);
  const [bad] = wrong;
  if (bad !== undefined) throw new Usage(`sbatch: --${bad.by.name} ${bad.text}`);
  for (const { by, text: why } of lost)
    if (by.line === 0) screen.note(`sbatch: --${by.name} ${why}`);
  const ofLine = wishes.filter(({ by }) => by.some(({ line }) => line === 0));
  const changed = { name: undefined, env: variablesOf(ofLine), asks: asksOf(ofLine) };
  return overridden(text, changed, spec.env);
}

/** One of each directive; what several options ask for stands on one line. */
function asksOf(wishes: readonly Wish[]): readonly Ask[] {
  const others = wishes.filter(({ directive }) => directive !== 'env');
  const texts = Map.groupBy(others, ({ directive }) => directive);
  const asks = [...texts].map(([name, all]): Ask => [name, all.map(({ text }) => text).join(' ')]);
  return [['slurm', ''], ...asks];
}

function variablesOf(wishes: readonly Wish[]): Readonly<Record<string, string>> {
  const words = wishes.flatMap(({ directive, text }) =>
    directive === 'env' ? (wordsOf(text, 0) as readonly Word[]) : [],
  );
  return Object.fromEntries(
    words.map(({ text }) => [text.replace(/=.*$/s, ''), text.slice(text.indexOf('=') + 1)]),
  );
}
