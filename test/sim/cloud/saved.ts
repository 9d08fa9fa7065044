import type { Job } from '../../../src/actors/job/job.ts';
import type { AttemptKey, PlaceOrder } from '../../../src/actors/ports.ts';
import type { World } from '../world.ts';

/** What jobs saved, and what must hold of what their next attempts go on from. */
export class Saved {
  readonly #world: World;
  readonly #job: (id: string) => Job | undefined;
  /** Of each file, whose it is, and the how many-th that was made. */
  readonly #made = new Map<string, { readonly key: AttemptKey; readonly count: number }>();
  /** The newest that was ever decided for a job. */
  readonly #newest = new Map<string, number>();

  constructor(world: World, job: (id: string) => Job | undefined) {
    this.#world = world;
    this.#job = job;
  }

  made(key: AttemptKey, sha256: string): void {
    this.#made.set(sha256, { key, count: this.#made.size + 1 });
  }

  /** A job's record is decided. One that begins anew, or is purged, has none. */
  decided({ id, checkpoint }: Job): void {
    if (!checkpoint) return void this.#newest.delete(id);
    const made = this.#made.get(checkpoint.files[0]?.sha256 ?? '');
    const isOwn = made?.key.job === id && made.key.attempt === checkpoint.attempt;
    const text = (): string => `${id} ${JSON.stringify(checkpoint)} of ${made?.key.job}`;
    this.#world.check('checkpoints are of their job', isOwn, text);
    const count = made?.count ?? 0;
    const before = this.#newest.get(id) ?? 0;
    this.#world.check('no checkpoint is replaced by an older', count >= before, text);
    this.#newest.set(id, count);
  }

  /** An attempt has its files, before it starts. */
  staged({ key, restored }: PlaceOrder): void {
    const job = this.#job(key.job);
    if (job?.attempt !== key.attempt || job.phase === 'ended') return;
    // What it saved itself meanwhile it has not begun with.
    if ((job.checkpoint?.attempt ?? 0) >= key.attempt) return;
    const newest = key.rank === 0 ? (job.checkpoint?.files ?? []) : [];
    const isNewest = sums(restored) === sums(newest);
    const text = (): string => `${key.job}.${key.attempt}: ${sums(restored)}, not ${sums(newest)}`;
    this.#world.check('attempts go on from the newest checkpoint', isNewest, text);
  }
}

const sums = (files: readonly { readonly sha256: string }[]): string =>
  files.map(({ sha256 }) => sha256.slice(0, 8)).join();
