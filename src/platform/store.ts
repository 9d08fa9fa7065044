import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Change, Outcome, Range, Store } from '../runtime/ports.ts';
import {
  checkFiles,
  type Environment,
  isStore,
  makeStore,
  openEnvironment,
  raiseTerm,
  storeFailed,
  termOf,
} from './store-files.ts';
import { type GroupOptions, Groups } from './store-groups.ts';
import { encodeChange, getRecord, putRecords, rangeOfRecords } from './store-records.ts';

export type StoreOptions = GroupOptions;

/**
 * Opens the store of a directory, or makes it; one process at a time may hold it open. Its term is
 * raised durably: with it, all that an earlier life left in the system's caches is durable before
 * anybody reads it. Throws `Failed`: corrupt, wrong_version, forbidden, disk_full, disk_error.
 */
export async function openStore(directory: string, options: StoreOptions = {}): Promise<Store> {
  let env: Environment | undefined;
  try {
    await mkdir(dirname(directory), { recursive: true, mode: 0o700 });
    if (!isStore(directory)) await makeStore(directory);
    checkFiles(directory);
    env = openEnvironment(directory);
    return new LmdbStore(env, await raiseTerm(env), options);
  } catch (error) {
    void env?.root.close();
    throw await storeFailed(error, directory, 'Opening');
  }
}

/** One life of a store, from its opening to its close or its first unknown commit. */
class LmdbStore implements Store {
  readonly term: number;
  readonly #env: Environment;
  readonly #groups: Groups;
  #closing: Promise<void> | undefined;

  constructor(env: Environment, term: number, options: StoreOptions) {
    this.#env = env;
    this.term = term;
    this.#groups = new Groups(env, options, () => termOf(env) === term);
  }

  get(key: string): Uint8Array | undefined {
    this.#mustBeOpen();
    return getRecord(this.#env.records, key);
  }

  range(range: Range): readonly (readonly [string, Uint8Array])[] {
    this.#mustBeOpen();
    return rangeOfRecords(this.#env.records, range);
  }

  commit(changes: readonly Change[], then: (outcome: Outcome) => void): void {
    const encoded = changes.map(encodeChange);
    if (this.#closing) setImmediate(then, 'unknown');
    else this.#groups.give(() => putRecords(this.#env.records, encoded), then);
  }

  close(): Promise<void> {
    this.#closing ??= this.#groups.close();
    return this.#closing;
  }

  #mustBeOpen(): void {
    if (this.#closing) throw new Error(`the store ${this.#env.directory} is closed`);
  }
}
