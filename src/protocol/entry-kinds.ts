/** A kind of what operators enter beside the configuration. */
type EntryKindRow = {
  /** What its entries are, in a help that ends with `; for operators.` */
  readonly help: string;
  /** The names that there are; without them, operators give names as they like. */
  readonly names?: readonly string[];
};

/** The kinds of entries. What the fields of one may be is told by `entry-fields.ts`. */
export const entryKinds = {
  account: { help: 'What clusters are charged to: its budget, its share, its limits' },
  queue: { help: 'Which jobs go where, how long, and how many at once' },
  reservation: { help: 'Nodes that only some may use for a time' },
  global: { help: 'What holds for all jobs', names: ['jobs', 'notify', 'ports', 'scheduler'] },
} as const satisfies Record<string, EntryKindRow>;

export type EntryKind = keyof typeof entryKinds;

export const kindsOfEntries = Object.keys(entryKinds) as EntryKind[];

/** The only names that entries of a kind may have; undefined: any. */
export const namesOfKind = (kind: EntryKind): readonly string[] | undefined =>
  (entryKinds[kind] as EntryKindRow).names;
