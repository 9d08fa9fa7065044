import { createHash } from 'node:crypto';
import type { AttemptKey, Output, Saver } from '../../../src/actors/ports.ts';
import { Failed } from '../../../src/protocol/errors.ts';
import type { Millis } from '../../../src/runtime/ports.ts';
import type { World } from '../world.ts';

export const blobOf = (text: string) => ({
  sha256: createHash('sha256').update(text).digest('hex'),
  bytes: text.length,
});

export type Saving = {
  readonly world: World;
  /** Some time on the machine. */
  readonly takes: (min: Millis, max: Millis) => Promise<void>;
  readonly saved: (key: AttemptKey, sha256: string) => void;
};

/** A job saves itself, as no other ever did. */
export async function save(
  { world, takes, saved }: Saving,
  { job, attempt, rank }: AttemptKey,
  saver: Saver,
  signal: AbortSignal,
): Promise<readonly Output[] | null> {
  const isHeard = await saver.ask();
  await takes(5, 10_000);
  if (signal.aborted) throw new Failed('timeout', 'given up');
  if (!isHeard || world.dice.chance(0.1)) return null;
  const blob = blobOf(`${job}.${attempt} at ${world.now} ${world.dice.roll()}`);
  saved({ job, attempt, rank }, blob.sha256);
  await takes(5, 2_000);
  if (signal.aborted || world.dice.chance(0.05))
    throw new Failed('unreachable', 'no link to the head');
  return [{ ...blob, path: 'checkpoint/state', mode: 0o600 }];
}
