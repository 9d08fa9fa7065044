import { chmodSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '../../src/client/client.ts';
import type { JobRow } from '../../src/protocol/model.ts';
import { type Group, type GroupOptions, type HeadProcess, openGroup } from '../chaos/group.ts';
import { cleanup, until } from './lab.ts';

/** Three heads and their workers, as real processes; gone with the test, or the group of tests. */
export async function heads(options: GroupOptions = {}): Promise<Group> {
  const group = await openGroup(options);
  cleanup(() => group.close());
  return group;
}

/** A folder of the group that jobs may pass through. */
export function place(group: Group): string {
  const path = mkdtempSync(join(group.home, 'place-'));
  chmodSync(path, 0o711);
  return path;
}

/** Starts what a test before this one has left lying, and gives who leads. */
export async function whole(group: Group): Promise<HeadProcess> {
  await Promise.all(group.heads.filter(({ pid }) => pid === 0).map((head) => head.start()));
  return group.leader();
}

export async function submit(client: Client, script: string, key?: string): Promise<string> {
  const keyed = key === undefined ? {} : { key };
  return (await client.call('job.submit', { script, inputs: [], ...keyed })).id;
}

export async function jobOf(client: Client, id: string): Promise<JobRow> {
  return (await client.call('job.show', { id })).job;
}

/** Waits until the job is as wanted, whoever answers meanwhile. */
export async function untilJob(
  client: Client,
  id: string,
  wanted: (job: JobRow) => boolean,
  seconds = 30,
): Promise<JobRow> {
  let last: JobRow | undefined;
  const fits = async (): Promise<boolean> => {
    last = await jobOf(client, id);
    return wanted(last);
  };
  await until(fits, seconds).catch((error: Error) => {
    throw new Error(`${error.message}: ${JSON.stringify(last)}`);
  });
  return last as JobRow;
}

export async function logOf(client: Client, id: string): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const bytes of client.follow(id, { follow: false })) parts.push(bytes);
  return Buffer.concat(parts).toString();
}
