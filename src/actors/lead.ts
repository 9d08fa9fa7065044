import type { Envelope } from '../protocol/envelope.ts';
import { type Failure, failure } from '../protocol/errors.ts';
import { type Body, message } from '../protocol/messages.ts';
import type { Who } from '../protocol/who.ts';

/**
 * Which head a node takes orders from. It is the one that leads by the newest term that the node
 * has heard of; it is kept over a restart, so that no head that was deposed before is believed.
 */
export type Lead = { readonly leader: string; readonly term: number };

export const NO_LEAD: Lead = { leader: '', term: 0 };

/** Where a node hears who leads; no actor has this path. */
export const OF_NODE = '/';

/** The lead after a head has said who leads; the same value if that is no news. */
export function afterNews(lead: Lead, from: Who, { leader, term }: Body<'node.leader'>): Lead {
  // A head speaks for itself alone: nobody else can know in which order its terms came.
  if (from.door !== 'head' || from.id !== leader) return lead;
  return term > lead.term ? { leader, term } : lead;
}

/** What a head that leads says to whoever it has a link to. */
export const news = (body: Body<'node.leader'>): Envelope => ({
  is: 'call',
  to: OF_NODE,
  ask: 0,
  message: message('node.leader', body),
});

/** Why a call is not taken: orders come from the head that leads, and from no other any more. */
export function refusal(lead: Lead, from: Who, envelope: Envelope): Failure | undefined {
  if (envelope.is !== 'call' || !envelope.message.name.startsWith('runner.')) return undefined;
  if (from.door !== 'head' || from.id === lead.leader) return undefined;
  return failure('refused', `${from.id} does not lead here in term ${lead.term}`);
}
