import { each } from '../each.ts';
import { exits, Usage } from '../exits.ts';
import type { Call } from '../verb.ts';
import { askedOf } from './asked.ts';
import { choices, chosen } from './rows.ts';
import { isLive } from './states.ts';

const options = {
  ...choices,
  jobname: choices.name,
  state: { takes: 'value', short: 't' },
  quiet: { takes: 'nothing', short: 'Q' },
  verbose: { takes: 'nothing', short: 'v' },
} as const;

/** Cancels jobs that are named, or all of those that the options choose, or of both kinds both. */
export async function run(call: Call, words: readonly string[]): Promise<number> {
  const { rest, ids, asked } = readWords(words);
  const chooses = (
    ['name', 'jobname', 'user', 'me', 'account', 'partition', 'state'] as const
  ).some((name) => asked.has(name));
  if (rest.length === 0 && !chooses)
    throw new Usage('scancel: name jobs by their ids, or choose them by an option');
  let cancelled = ids;
  if (chooses) {
    const list: typeof asked.list = (name) =>
      name === 'name' ? [...asked.list('name'), ...asked.list('jobname')] : asked.list(name);
    const wanted = { ids, states: asked.list('state') };
    const found = await chosen(await call.client(), 'scancel', { has: asked.has, list }, wanted);
    cancelled = found.filter(isLive).map(({ id }) => id);
  }
  const screen = { ...call.screen, print: () => {} };
  const code = await each({ ...call, screen, args: cancelled }, 'job.cancel');
  return asked.has('quiet') ? exits.good : code;
}

/** Ids may stand before options, and several in one word; tasks as `ID_7` or `ID_[1-3,9]`. */
function readWords(words: readonly string[]) {
  const first = words.findIndex((word) => word.startsWith('-'));
  const [before, behind] = first < 0 ? [words, []] : [words.slice(0, first), words.slice(first)];
  const asked = askedOf('scancel', options, behind);
  const rest = [...before, ...asked.rest];
  return { asked, rest, ids: rest.flatMap(idsIn) };
}

const idsIn = (word: string): readonly string[] =>
  word.split(/,(?![^[]*\])/).map((id) => id.replace('_[', '['));
