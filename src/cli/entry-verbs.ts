import {
  type EntryKind,
  entryKinds,
  kindsOfEntries,
  namesOfKind,
} from '../protocol/entry-kinds.ts';
import type { Flag, VerbRow } from './verb.ts';

/** What the verbs of entries are about, by their first words. */
export const entryGroups: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    kindsOfEntries.map((kind) => [kind, `${entryKinds[kind].help}; for operators.`]),
  ),
  admin: 'All that operators have entered beside the configuration.',
};

const FIELDS = '[field=value...]';

const verb = (kind: EntryKind, word: Word, args: string, help: string): VerbRow => ({
  name: `${kind} ${word}`,
  args,
  help,
  flags: [],
  is: 'call',
  load: async () => ({ run: (await import('./entries.ts'))[word](kind) }),
});
type Word = 'list' | 'show' | 'create' | 'set' | 'clone' | 'remove';

/** Where the names are given, nothing is made; what there is can only be said otherwise. */
const verbsOf = (kind: EntryKind): readonly VerbRow[] => {
  const names = namesOfKind(kind);
  const makes = [
    verb(kind, 'create', `<name> ${FIELDS}`, 'Enter another one.'),
    verb(kind, 'clone', `<name> <new> ${FIELDS}`, 'Enter another one like it.'),
  ];
  return [
    verb(kind, 'list', '', 'List those that the configuration or an operator names.'),
    verb(kind, 'show', '<name>', 'Show what holds of one, and who says so.'),
    ...(names === undefined ? makes : []),
    verb(kind, 'set', `<name> ${FIELDS}`, 'Change some of its fields; FIELD= takes one away.'),
    verb(
      kind,
      'remove',
      '<name>',
      'Take away what was entered of one; what the configuration says stays.',
    ),
  ];
};

const all: Flag = ['--all', 'also what only the configuration says'];

/** Verbs for what operators enter beside the configuration. */
export const entryVerbs: readonly VerbRow[] = [
  ...kindsOfEntries.flatMap(verbsOf),
  {
    name: 'admin export',
    args: '[kind...]',
    help: 'Print what operators have entered, all or of these kinds, as YAML.',
    flags: [all],
    is: 'call',
    load: () => import('./admin-export.ts'),
  },
  {
    name: 'admin import',
    args: '<file>',
    help: 'Enter what a file says that export printed, all of it or nothing; - reads stdin.',
    flags: [
      ['--dry-run', 'only show what would change, and whether it could'],
      ['--prune', 'take away what was entered of its kinds and is not in it'],
    ],
    is: 'call',
    load: () => import('./admin-import.ts'),
  },
];
