import type { Client } from '../client/client.ts';
import { addressesOf, connectTo, type Place } from '../connect.ts';
import { type Context, contextOf } from './contexts.ts';
import { Usage } from './exits.ts';
import { spoolOf } from './spool-of.ts';
import { type Options, textOf } from './verb.ts';

/** How long a command tries to connect to a node that should be there. */
const CONNECT_MS = 5_000;

/** The heads that are named; an empty text names none, as shells have it. */
export const urlOf = (options: Options): string | undefined => urlIn(options, contextOf(options));

function urlIn(options: Options, context: Context | undefined): string | undefined {
  const url = textOf(options, 'url');
  if (url || context === undefined) return url || process.env['SWM_URL'] || undefined;
  // Of whoever says another spool the node of that one is meant.
  return textOf(options, 'spool') ? undefined : context.url;
}

/** Where the heads are that the options mean, and who we are there. */
export function placeOf(options: Options): Place {
  const [certificate, key, authorities] = ['cert', 'key', 'ca'].map((name) =>
    textOf(options, name),
  );
  if ((certificate === undefined) !== (key === undefined))
    throw new Usage('swm: --cert and --key go together');
  const context = contextOf(options);
  return {
    spool: textOf(options, 'spool') ? spoolOf(options) : (context?.spool ?? spoolOf(options)),
    url: urlIn(options, context),
    ...(certificate === undefined
      ? { certificate: context?.cert, key: context?.key }
      : { certificate, key }),
    authorities: authorities ?? context?.ca,
  };
}

/** Connects as the options say: to a node by its URL, or to the one whose spool it is. */
export async function openClient(options: Options): Promise<Client> {
  const place = placeOf(options);
  // A node that is just starting is waited for longer than one that should be there.
  await addressesOf(place);
  return connectTo(place, { connectMs: CONNECT_MS });
}
