import type { Client } from 'swm/client';
import { connectTo } from 'swm/node';
import { place } from './place.ts';

/** logs.ts ID: prints what a job prints, both streams, until it has ended. */
const [id = ''] = process.argv.slice(2);
const client = connectTo(place);
await Promise.all([copied(client, 'stdout'), copied(client, 'stderr')]);
client.close();

async function copied(from: Client, stream: 'stdout' | 'stderr'): Promise<void> {
  for await (const bytes of from.follow(id, { stream })) process[stream].write(bytes);
}
