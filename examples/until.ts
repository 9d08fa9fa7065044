import type { Client } from 'swm/client';

/** Waits until a job is as wanted or has ended, also over lost connections, and shows it. */
export async function until(client: Client, id: string, phase: 'running' | 'ended') {
  for await (const { key, row } of client.watch('jobs', { id })) {
    if (key !== id) continue;
    const now = (row as { readonly phase: string } | null)?.phase ?? 'ended';
    if (now === phase || now === 'ended') break;
  }
  return (await client.call('job.show', { id })).job;
}
