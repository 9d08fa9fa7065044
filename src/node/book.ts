import type { Budgets } from '../actors/account/account.ts';
import { type Book, flawIn, isAdminBy, policyIn, withEntries } from '../actors/entries/book.ts';
import { entriesOf, revisionOf } from '../actors/entries/keeping.ts';
import type { IsAdmin } from '../actors/session/admins.ts';
import type { Config } from '../config.ts';
import { type NotifyRules, notifyRules } from '../platform/notify-rules.ts';
import { type OutRules, outRules } from '../platform/out-rules.ts';
import type {
  AccountFields,
  JobsFields,
  NotifyFields,
  PortsFields,
} from '../protocol/entry-fields.ts';
import { Failed, Malformed } from '../protocol/errors.ts';
import type { Policy } from '../protocol/policy.ts';
import type { Records } from '../runtime/ports.ts';
import { unlessReplaced } from './group.ts';

/** What of a configuration operators may say otherwise. */
type Sections = Pick<Config, 'accounts' | 'scheduler'> & {
  readonly jobs: JobsFields;
  readonly notify: NotifyFields;
  readonly ports: PortsFields;
};

/** What the configuration says of all that operators may enter. */
export function configuredBook({ accounts, jobs, notify, ports, scheduler }: Sections): Book {
  const { queues, accounts: sharing, reservations, ...rest } = scheduler;
  const account: Record<string, AccountFields> = { ...accounts };
  for (const [name, share] of Object.entries(sharing))
    account[name] = { shares: 1, ...share, ...(Object.hasOwn(accounts, name) && accounts[name]) };
  const { walltimeMs, leaseMs, keepMs, retentionMs } = jobs;
  return {
    account,
    queue: queues,
    reservation: Object.fromEntries(reservations.map(({ name, ...booking }) => [name, booking])),
    global: {
      jobs: { walltimeMs, leaseMs, keepMs, retentionMs },
      notify: { allow: notify.allow },
      ports: { out: ports.out },
      scheduler: rest,
    },
  };
}

/** Gives what holds as of now; all of it is read only when some of it has changed. */
export function openBook(config: Sections, store: Records): () => Book {
  const configured = configuredBook(config);
  let book = configured;
  let revision = 0;
  const look = (): Book => {
    const now = revisionOf(store);
    if (now !== revision) book = withEntries(configured, entriesOf(store));
    revision = now;
    return book;
  };
  // While other records take the place of all, what was read before has to do.
  return () => unlessReplaced(look, book);
}

/** Throws `Failed` if entries contradict each other, or where jobs may lead to cannot be read. */
export function checkBook(book: Book): void {
  const flaw = flawIn(book);
  if (flaw !== '') throw new Failed('malformed', flaw);
  try {
    outRules(book.global.ports.out);
    notifyRules(book.global.notify.allow);
  } catch (error) {
    throw error instanceof Malformed ? new Failed('malformed', error.message) : error;
  }
}

/**
 * Which job goes first as of now, and where. What was entered may contradict a configuration that
 * was written since: then that alone holds.
 */
export const policyBy = (book: () => Book, configured: Policy) => (): Policy =>
  flawIn(book()) === '' ? policyIn(book()) : configured;

/** What accounts may cost as of now. */
export const budgetsBy = (book: () => Book): Budgets => ({
  get: (name) => book().account[name]?.budget,
  keys: () => {
    const named = Object.entries(book().account);
    return new Map(named.filter(([, { budget }]) => budget !== undefined)).keys();
  },
});

/** Who is an admin of which accounts as of now. */
export const adminsBy =
  (book: () => Book): IsAdmin =>
  (user, account) =>
    isAdminBy(book(), user, account);

/** Where jobs may lead their ports to as of now. */
export const outsBy = (book: () => Book): OutRules => ({
  addressOf: (host, submitter) => outRules(book().global.ports.out).addressOf(host, submitter),
});

/** Whom jobs may have told of them as of now. */
export const notifiedBy = (book: () => Book): NotifyRules => ({
  addressOf: (url) => notifyRules(book().global.notify.allow).addressOf(url),
});
