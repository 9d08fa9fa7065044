import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from './rounds.ts';

/** What befalls the one that leads: kill -9, SIGSTOP, or links that carry nothing any more. */
export const ways = ['kill', 'stop', 'cut'] as const;
export type Way = (typeof ways)[number];
export type Hit = { heal(): Promise<void> };

/** Three processes that agree, and a client that knows all of them. */
export type Peers = {
  readonly name: string;
  /** Writes something durably; resolves when it is acknowledged. */
  write(): Promise<unknown>;
  hit(how: Way): Promise<Hit>;
  /** Resolves once all are there again and agree who leads. */
  settled(): Promise<void>;
  close(): Promise<void>;
};

/** For how long all is well between two rounds, ms. */
const QUIET_MS = 300;

export type Pauses = { readonly p50: number; readonly max: number };

/** How long it takes from a hit to the next write that is acknowledged, ms. */
export async function pausesOf(peers: Peers, how: Way, rounds: number): Promise<Pauses> {
  const took: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await peers.settled();
    await sleep(QUIET_MS);
    // The client is at home where it was answered last.
    await peers.write();
    const from = performance.now();
    const hit = await peers.hit(how);
    await peers.write();
    took.push(performance.now() - from);
    await hit.heal();
  }
  await peers.settled();
  return { p50: percentile(took, 0.5), max: Math.max(...took) };
}
