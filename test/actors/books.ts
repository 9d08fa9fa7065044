import type { Book } from '../../src/actors/entries/book.ts';
import { configuredBook } from '../../src/node/book.ts';
import { defaultPolicy } from '../../src/protocol/policy.ts';

/** What a configuration says that says little. */
export const plainBook: Book = configuredBook({
  accounts: {},
  jobs: { walltimeMs: 0, leaseMs: 60_000, keepMs: 120_000, retentionMs: 0 },
  notify: { allow: [] },
  ports: { out: [] },
  scheduler: defaultPolicy,
});
