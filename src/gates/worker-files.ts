import type { Resources } from '../actors/ports.ts';

/** A machine that is to become a worker. Paths are absolute, on that machine. */
export type WorkerPlace = {
  readonly node: string;
  readonly partition: string;
  /** On which its jobs are reached by the other nodes of its cluster. */
  readonly address: string;
  /** Where its join file is. */
  readonly join: string;
};

/** What a worker is given to find its head, and to join once. */
export type Join = {
  readonly heads: readonly string[];
  readonly caFingerprint: string;
  /** Secret. */
  readonly token: string;
};

/** The text of the file that a worker joins by; it removes it once it has its certificate. */
export function joinFile({ node, partition }: WorkerPlace, join: Join): string {
  const { heads, caFingerprint, token } = join;
  const file = { heads, caFingerprint, token, name: node, cluster: partition };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** The text of a worker's configuration. JSON is YAML, and quoted right whatever is in it. */
export function workerFile(place: WorkerPlace, resources: Resources, besides: object): string {
  const { node, partition, address, join } = place;
  const own = { roles: ['worker'], name: node, cluster: partition, address, join, resources };
  return `${JSON.stringify({ ...besides, ...own }, null, 2)}\n`;
}
