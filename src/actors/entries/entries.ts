import type { EntryKind } from '../../protocol/entry-kinds.ts';
import type { Fields } from '../../protocol/entry-shapes.ts';
import { type Failure, failure } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { type Body, message } from '../../protocol/messages.ts';
import { control } from '../../protocol/ref.ts';
import type { Behaviour, Effect, Step, Told } from '../../runtime/behaviour.ts';
import type { Millis } from '../../runtime/ports.ts';
import { type Book, flawIn, policyIn, withEntries } from './book.ts';

/** What an operator has entered beside the configuration. */
export type Entry = {
  readonly kind: EntryKind;
  readonly name: string;
  readonly fields: Fields;
  /** That of all entries, when this one was changed last. */
  readonly revision: number;
  readonly by: string;
  readonly at: Millis;
};

/** All of them, by kind and name: what holds together is changed together. */
export type Entries = {
  readonly phase: 'open';
  /** How often any was changed. */
  readonly revision: number;
  readonly entries: Readonly<Record<string, Entry>>;
};

type Put = Body<'entry.put'>;
type EntriesEffect = Effect<never, Readonly<Record<never, never>>>;
type EntriesStep = Step<Entries, never, Readonly<Record<never, never>>>;

/**
 * Keeps what operators enter over what the configuration says: all of a change or nothing of it.
 * Whether it makes sense was looked at by the session, against a revision: if that has passed, it
 * has to look again.
 */
export const entriesOver = (
  configured: Book,
): Behaviour<
  Readonly<Record<never, never>>,
  Entries,
  'entry.put',
  never,
  Readonly<Record<never, never>>
> => ({
  init: () => ({ phase: 'open', revision: 0, entries: {} }),
  enter: () => [],
  on: (state, event, now) =>
    event.is === 'told' ? put(configured, state, event, now) : [state, []],
});

/** The key of an entry, by which they are in order. */
export const keyOf = ({ kind, name }: Pick<Entry, 'kind' | 'name'>): string => `${kind}/${name}`;

function put(
  configured: Book,
  state: Entries,
  { message: m, ask, who }: Told<'entry.put'>,
  now: Millis,
): EntriesStep {
  const { changes, seen } = m.body;
  if (who.door !== 'operator')
    return refuse(state, ask, failure('forbidden', 'only an operator can change entries'));
  if (seen !== state.revision)
    return refuse(state, ask, failure('busy', 'another change of entries came first'));
  const revision = state.revision + 1;
  const after = new Map(Object.entries(state.entries));
  for (const { kind, name, fields } of changes)
    if (fields === null) after.delete(keyOf({ kind, name }));
    else after.set(keyOf({ kind, name }), { kind, name, fields, revision, by: who.id, at: now });
  const next: Entries = { ...state, revision, entries: Object.fromEntries(after) };
  const book = withEntries(configured, next);
  // The head of the session may have another configuration than this one.
  const flaw = flawIn(book);
  if (flaw !== '') return refuse(state, ask, failure('malformed', flaw));
  const of = told(changes).slice(0, limits.auditCharsMax);
  return [next, [{ do: 'reply', ask, body: { revision, of } }, ...news(changes, book)]];
}

const refuse = (state: Entries, ask: number, why: Failure): EntriesStep => [
  state,
  [{ do: 'refuse', ask, failure: why }],
];

const told = (changes: Put['changes']): string =>
  changes.map(({ kind, name }) => `${kind} ${name}`).join(', ');

/** Who has reckoned with what was before reckons anew; a later life does so by itself. */
function news(changes: Put['changes'], book: Book): readonly EntriesEffect[] {
  const looks = changes
    .filter(({ kind }) => kind === 'account')
    .map(({ name }): EntriesEffect => {
      const look = message('account.look', { account: name });
      return { do: 'tell', to: control(`/accounts/${name}`), message: look };
    });
  if (!changes.some(({ kind, name }) => kind !== 'global' || name === 'scheduler')) return looks;
  const policy = message('scheduler.policy', { policy: policyIn(book) });
  return [...looks, { do: 'tell', to: control('/scheduler'), message: policy }];
}
