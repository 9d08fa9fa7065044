import type { Book } from '../../src/actors/entries/book.ts';

/** What a configuration says that says little. */
export const plainBook: Book = {
  account: {},
  global: { jobs: { walltimeMs: 0, leaseMs: 60_000, keepMs: 120_000 }, ports: { out: [] } },
};
