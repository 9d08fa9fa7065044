import type { Client } from '../client/client.ts';
import { addressesOf, connectTo } from '../connect.ts';
import { Usage } from './exits.ts';
import { spoolOf } from './spool-of.ts';
import { type Options, textOf } from './verb.ts';

/** How long a command tries to connect to a node that should be there. */
const CONNECT_MS = 5_000;

/** Connects as the options say: to a node by its URL, or to the one whose spool it is. */
export async function openClient(options: Options): Promise<Client> {
  const [certificate, key, authorities] = ['cert', 'key', 'ca'].map((name) =>
    textOf(options, name),
  );
  if ((certificate === undefined) !== (key === undefined))
    throw new Usage('swm: --cert and --key go together');
  // An empty one is none, as shells have it.
  const url = textOf(options, 'url') || process.env['SWM_URL'] || undefined;
  const place = { spool: spoolOf(options), url, certificate, key, authorities };
  // A node that is just starting is waited for longer than one that should be there.
  await addressesOf(place);
  return connectTo(place, { connectMs: CONNECT_MS });
}
