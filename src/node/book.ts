import type { Budgets } from '../actors/account/account.ts';
import { type Book, withEntries } from '../actors/entries/book.ts';
import { entriesOf, revisionOf } from '../actors/entries/keeping.ts';
import type { Config } from '../config.ts';
import { type OutRules, outRules } from '../platform/out-rules.ts';
import { Failed, Malformed } from '../protocol/errors.ts';
import type { Records } from '../runtime/ports.ts';
import { unlessReplaced } from './group.ts';

/** What the configuration says of all that operators may enter. */
export const configuredBook = ({ accounts, jobs, ports }: Config): Book => ({
  account: accounts,
  global: {
    jobs: { walltimeMs: jobs.walltimeMs, leaseMs: jobs.leaseMs, keepMs: jobs.keepMs },
    ports: { out: ports.out },
  },
});

/** Gives what holds as of now; all of it is read only when some of it has changed. */
export function openBook(config: Config, store: Records): () => Book {
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

/** Throws `Failed` if it cannot be read where jobs may lead their ports to. */
export function checkBook({ global }: Book): void {
  try {
    outRules(global.ports.out);
  } catch (error) {
    throw error instanceof Malformed ? new Failed('malformed', error.message) : error;
  }
}

/** What accounts may cost as of now. */
export const budgetsBy = (book: () => Book): Budgets => ({
  get: (name) => book().account[name]?.budget,
  keys: () => {
    const named = Object.entries(book().account);
    return new Map(named.filter(([, { budget }]) => budget !== undefined)).keys();
  },
});

/** Where jobs may lead their ports to as of now. */
export const outsBy = (book: () => Book): OutRules => ({
  addressOf: (host, submitter) => outRules(book().global.ports.out).addressOf(host, submitter),
});
