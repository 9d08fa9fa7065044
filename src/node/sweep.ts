import type { DiskBlobs, Kept } from '../platform/blobs.ts';
import type { Clock, Millis, Note } from '../runtime/ports.ts';

export type SweepOptions = {
  readonly blobs: Pick<DiskBlobs, 'sweep'>;
  /** What must stay. Whoever cannot know it now rejects, and nothing is removed. */
  readonly named: () => Promise<Kept>;
  readonly everyMs: Millis;
  /** How long what nobody names may still become named: an upload, before its submit. */
  readonly keptMs: Millis;
  readonly clock: Clock;
  readonly note: Note;
};

/**
 * Removes files that no record names any more: those of purged jobs, and checkpoints that a later
 * one has replaced.
 */
export function openSweep(options: SweepOptions): { close(): void } {
  const { blobs, clock, note } = options;
  let cancel = (): void => {};
  let isOver = false;
  const again = (): void => {
    if (isOver) return;
    cancel = clock.timer(options.everyMs, () => void sweep().finally(again));
  };
  const sweep = async (): Promise<void> => {
    try {
      // What is old is so from before it is looked for: who asks for it meanwhile keeps it.
      const swept = await blobs.sweep(await options.named(), options.keptMs, clock.now());
      if (swept.blobs > 0) note('info', '/blobs', 'files that nobody names are removed', swept);
    } catch (error) {
      note('warn', '/blobs', 'no files are removed now', { error });
    }
  };
  again();
  return {
    close() {
      isOver = true;
      cancel();
    },
  };
}
