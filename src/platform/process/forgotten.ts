import { appendFileSync, readFileSync } from 'node:fs';
import type { AttemptKey } from '../../actors/ports.ts';
import { limits } from '../../protocol/limits.ts';
import { errno, writeFileDurably } from '../disk.ts';

/**
 * The keys that never start again though their records are gone. Of a job's rank only the highest
 * attempt is kept, since attempts count on and an older order never comes after a newer.
 */
export type Forgotten = {
  has(key: AttemptKey): boolean;
  add(key: AttemptKey): void;
};

/** Reads them, leaving out those that no order can be under way for any more. */
export async function openForgotten(path: string, now: () => number): Promise<Forgotten> {
  const text = readAll(path);
  const lines = text.split('\n').filter((line) => line.endsWith(' .'));
  const oldest = now() - limits.forgottenMs;
  const kept = new Map<string, { readonly attempt: number; readonly at: number }>();
  for (const line of lines) {
    const [job, rank, attempt, at] = line.split(' ');
    const entry = { attempt: Number(attempt), at: Number(at) };
    const name = `${job} ${rank}`;
    if (entry.at > oldest && entry.attempt >= (kept.get(name)?.attempt ?? 0)) kept.set(name, entry);
  }
  const highest = new Map([...kept].map(([name, { attempt }]) => [name, attempt]));
  if (kept.size < lines.length || !/(^|\n)$/.test(text)) {
    const fresh = [...kept].map(([name, { attempt, at }]) => `${name} ${attempt} ${at} .\n`);
    await writeFileDurably(path, fresh.join(''));
  }
  return {
    has: ({ job, rank, attempt }) => attempt <= (highest.get(`${job} ${rank}`) ?? -1),
    add({ job, rank, attempt }) {
      const name = `${job} ${rank}`;
      if (attempt <= (highest.get(name) ?? -1)) return;
      appendFileSync(path, `${name} ${attempt} ${now()} .\n`, { mode: 0o600 });
      highest.set(name, attempt);
    },
  };
}

function readAll(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    if (errno(error) === 'ENOENT') return '';
    throw error;
  }
}
