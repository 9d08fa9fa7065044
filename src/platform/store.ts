import { mkdir, readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failed, type Failure, Malformed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { Change, Outcome, Range, Store } from '../runtime/ports.ts';
import {
  checkFiles,
  type Environment,
  isStore,
  makeStore,
  openEnvironment,
  raiseTerm,
  sealStore,
  storeFailed,
  termOf,
} from './store-files.ts';

export type StoreOptions = {
  /** Told once, when a commit ended unknown: the store takes no more, and the node has to end. */
  readonly onBroken?: (reason: Failure) => void;
  /** Told of each transaction once it is durable: how many batches it carried. */
  readonly onGroup?: (batches: number) => void;
  /** How long one transaction may take before it counts as lost. */
  readonly commitMsMax?: number;
};

/** A store on this machine's disk. One process at a time may hold a directory open. */
export interface DiskStore extends Store {
  /**
   * Writes a compacted copy, as of one moment, into `directory`, which must be new or empty. It is
   * a store of its own, term included. Commits go on meanwhile. Throws `Failed`.
   */
  backup(directory: string): Promise<void>;
}

/**
 * Opens the store of a directory, or makes it, and raises its term durably: with it, all that an
 * earlier life left in the system's caches is durable before anybody reads it.
 * Throws `Failed`: corrupt, wrong_version, forbidden, disk_full, disk_error.
 */
export async function openStore(directory: string, options: StoreOptions = {}): Promise<DiskStore> {
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

type Batch = {
  readonly changes: readonly Encoded[];
  readonly then: (outcome: Outcome) => void;
};
type Encoded = { readonly key: Buffer; readonly value: Uint8Array | undefined };

/**
 * `idle`: nothing is in flight. `open`: LMDB gathers what is put in this turn of the loop into one
 * transaction, and batches may still join. `writing`: it is on its way to the disk; batches wait
 * for the next. `broken`: a commit ended unknown, and so does every other from now on.
 */
type Stage = 'idle' | 'open' | 'writing' | 'broken';

/** Parts of `commitMsMax`, counted in ticks so that a process that was stopped is not blamed. */
const STALL_TICKS = 10;
/** How long a broken environment may take to let go of its files. */
const CLOSE_MS = 1_000;

/** One life of a store, from its opening to its close or its first unknown commit. */
class LmdbStore implements DiskStore {
  readonly term: number;
  readonly #env: Environment;
  readonly #options: StoreOptions;
  readonly #ticker: NodeJS.Timeout;
  readonly #backups = new Set<Promise<void>>();
  #stage: Stage = 'idle';
  #group: Batch[] = [];
  #waiting: Batch[] = [];
  #put: Promise<unknown> = Promise.resolve();
  #ticks = 0;
  #closing: Promise<void> | undefined;
  #settled: (() => void) | undefined;

  constructor(env: Environment, term: number, options: StoreOptions) {
    this.#env = env;
    this.term = term;
    this.#options = options;
    const ms = (options.commitMsMax ?? limits.commitMsMax) / STALL_TICKS;
    this.#ticker = setInterval(() => this.#tick(), ms).unref();
  }

  get(key: string): Uint8Array | undefined {
    this.#mustBeOpen();
    const value = this.#env.records.getBinary(encodeKey(key));
    return value && plain(value);
  }

  range({ from, to, limit, reverse = false }: Range): readonly (readonly [string, Uint8Array])[] {
    this.#mustBeOpen();
    const low = from === '' ? FIRST_KEY : encodeKey(from);
    const high = to === '' ? FIRST_KEY : encodeKey(to);
    if (limit <= 0 || Buffer.compare(low, high) >= 0) return [];
    const rows = this.#env.records.getRange(
      reverse
        ? { start: high, exclusiveStart: true, end: low, inclusiveEnd: true, reverse, limit }
        : { start: low, end: high, limit },
    );
    const found: (readonly [string, Uint8Array])[] = [];
    for (const { key, value } of rows) found.push([decodeKey(key), plain(value)]);
    return found;
  }

  commit(changes: readonly Change[], then: (outcome: Outcome) => void): void {
    const batch = { changes: changes.map(encode), then };
    if (this.#stage === 'broken' || this.#closing) setImmediate(then, 'unknown');
    else if (this.#stage === 'writing') this.#waiting.push(batch);
    else this.#join(batch);
  }

  async backup(directory: string): Promise<void> {
    this.#mustBeOpen();
    const copy = this.#copy(directory);
    this.#backups.add(copy);
    try {
      await copy;
    } catch (error) {
      throw await storeFailed(error, directory, 'Writing a backup to');
    } finally {
      this.#backups.delete(copy);
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  /** Gives a batch to LMDB, which makes one transaction of all that one turn of the loop puts. */
  #join(batch: Batch): void {
    if (this.#stage === 'broken') {
      setImmediate(batch.then, 'unknown');
      return;
    }
    if (this.#stage === 'idle') {
      if (batch.changes.length === 0) {
        setImmediate(batch.then, 'committed');
        return;
      }
      if (termOf(this.#env) !== this.term) {
        this.#group.push(batch);
        this.#break(new Failed('in_use', `The store ${this.#env.directory} was opened again.`));
        return;
      }
    }
    this.#group.push(batch);
    const { records } = this.#env;
    for (const { key, value } of batch.changes)
      this.#put = value === undefined ? records.remove(key) : records.put(key, value);
    if (this.#stage === 'open') return;
    this.#stage = 'open';
    setImmediate(() => this.#write());
  }

  /**
   * Runs in an immediate, after the one in which LMDB closes its own turn: the first put queued
   * that. `committed` is the transaction's own promise; unheard, its failure ends the process.
   */
  #write(): void {
    this.#stage = 'writing';
    this.#ticks = 0;
    Promise.all([this.#put, this.#env.records.committed]).then(
      () => this.#written(),
      (error: unknown) => this.#break(error),
    );
  }

  /** The next transaction is begun before outcomes are told, so that what they lead to joins it. */
  #written(): void {
    if (this.#stage === 'broken') return;
    const done = this.#group;
    const waiting = this.#waiting;
    this.#group = [];
    this.#waiting = [];
    this.#stage = 'idle';
    for (const batch of waiting) this.#join(batch);
    this.#options.onGroup?.(done.length);
    for (const { then } of done) then('committed');
    if (this.#group.length === 0) this.#settled?.();
  }

  #break(error: unknown): void {
    if (this.#stage === 'broken') return;
    this.#stage = 'broken';
    clearInterval(this.#ticker);
    const lost = [...this.#group, ...this.#waiting];
    this.#group = [];
    this.#waiting = [];
    void storeFailed(error, this.#env.directory, 'Committing to').then(({ failure }) =>
      this.#options.onBroken?.(failure),
    );
    setImmediate(() => {
      for (const { then } of lost) then('unknown');
      this.#settled?.();
    });
  }

  #tick(): void {
    if (this.#stage !== 'writing' || ++this.#ticks <= STALL_TICKS) return;
    const ms = this.#options.commitMsMax ?? limits.commitMsMax;
    const { directory } = this.#env;
    this.#break(
      new Failed('disk_error', `The disk of the store ${directory} gave no answer for ${ms} ms.`),
    );
  }

  async #copy(directory: string): Promise<void> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    if ((await readdir(directory)).length > 0)
      throw new Failed('refused', `The directory ${directory} for a backup is not empty.`);
    await this.#env.root.backup(directory, true);
    await sealStore(directory);
  }

  async #end(): Promise<void> {
    await Promise.allSettled(this.#backups);
    if (this.#stage === 'open' || this.#stage === 'writing')
      await new Promise<void>((resolve) => {
        this.#settled = resolve;
      });
    clearInterval(this.#ticker);
    const closed = this.#env.root.close();
    await (this.#stage === 'broken' ? Promise.race([closed, sleep(CLOSE_MS)]) : closed);
  }

  #mustBeOpen(): void {
    if (this.#closing) throw new Error(`the store ${this.#env.directory} is closed`);
  }
}

/** The least key there can be; LMDB knows no empty one. */
const FIRST_KEY = Buffer.from([0]);

function encode({ key, value }: Change): Encoded {
  if (value !== undefined && !(value instanceof Uint8Array))
    throw new TypeError(`the value of ${key} is no bytes`);
  return { key: encodeKey(key), value };
}

function encodeKey(key: string): Buffer {
  const bytes = Buffer.from(key, 'utf8');
  if (bytes.length === 0 || bytes.length > limits.keyBytesMax || !key.isWellFormed())
    throw new Malformed(
      'key',
      `1 to ${limits.keyBytesMax} bytes of UTF-8, not ${bytes.length}: ${key.slice(0, 80)}`,
    );
  return bytes;
}

const decodeKey = (key: Uint8Array): string =>
  Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('utf8');

/** LMDB hangs properties of its own on the buffers of large values. */
const plain = (value: Uint8Array): Uint8Array =>
  new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
