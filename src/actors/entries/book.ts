import type {
  AccountFields,
  JobsFields,
  NotifyFields,
  PortsFields,
  ReservationFields,
  SchedulerFields,
} from '../../protocol/entry-fields.ts';
import type { EntryKind } from '../../protocol/entry-kinds.ts';
import type { Fields } from '../../protocol/entry-shapes.ts';
import type { Policy, Queue } from '../../protocol/policy.ts';
import { policyFlaws } from '../../protocol/policy-flaws.ts';
import type { Entries } from './entries.ts';

type Named<T> = Readonly<Record<string, T>>;

/** What holds of all that operators may enter: by kind and name. */
export type Book = {
  readonly account: Named<AccountFields>;
  readonly queue: Named<Queue>;
  readonly reservation: Named<ReservationFields>;
  readonly global: {
    readonly jobs: JobsFields;
    readonly notify: NotifyFields;
    readonly ports: PortsFields;
    readonly scheduler: SchedulerFields;
  };
};

/** A book, whatever its kinds are. */
export type Pages = Readonly<Record<EntryKind, Named<Fields>>>;

/** What a book has of that kind and name. */
export const fieldsIn = (book: Book, kind: EntryKind, name: string): Fields | undefined => {
  const page = (book as unknown as Pages)[kind];
  return Object.hasOwn(page, name) ? page[name] : undefined;
};

/** What the configuration says, and over it, field by field, what operators have entered. */
export function withEntries(configured: Book, { entries }: Pick<Entries, 'entries'>): Book {
  const pages: Record<string, Record<string, Fields>> = {};
  for (const [kind, page] of Object.entries(configured as unknown as Pages))
    pages[kind] = { ...page };
  for (const { kind, name, fields } of Object.values(entries)) {
    const page = pages[kind];
    if (page !== undefined) page[name] = { ...fieldsIn(configured, kind, name), ...fields };
  }
  return pages as unknown as Book;
}

/** What of a book decides which job goes first, and where. */
export function policyIn({ account, queue, reservation, global }: Book): Policy {
  const parents = new Set(Object.values(account).map(({ parent }) => parent));
  // Who only has a budget or admins shares nothing, and takes nothing from those who do.
  const shares = Object.entries(account).flatMap(([name, { budget: _, admins: __, ...share }]) =>
    Object.keys(share).length > 0 || parents.has(name) ? [[name, share] as const] : [],
  );
  return {
    ...global.scheduler,
    queues: queue,
    accounts: Object.fromEntries(shares),
    reservations: Object.entries(reservation).map(([name, booking]) => ({ name, ...booking })),
  };
}

/** Whether a user is an admin of an account, or of one above it. */
export function isAdminBy({ account: accounts }: Book, user: string, account: string): boolean {
  const seen = new Set<string>();
  for (let at: string | undefined = account; at !== undefined && !seen.has(at); ) {
    seen.add(at);
    const fields: AccountFields | undefined = Object.hasOwn(accounts, at)
      ? accounts[at]
      : undefined;
    if (fields?.admins?.includes(user)) return true;
    at = fields?.parent;
  }
  return false;
}

/** What is wrong with how the entries of a book refer to each other; '': nothing. */
export function flawIn(book: Book): string {
  const policy = policyIn(book);
  const [flaw] = policyFlaws(policy);
  if (flaw === undefined) return '';
  const [section = '', at = ''] = flaw.key;
  const name = section === 'reservations' ? policy.reservations[Number(at)]?.name : at;
  return `${section.replace(/s$/, '')} ${name}: ${flaw.text}`;
}
