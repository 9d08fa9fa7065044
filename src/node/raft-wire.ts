import type { HeadMessage } from '../platform/replica/messages.ts';
import type { Envelope } from '../protocol/envelope.ts';
import type { Message } from '../protocol/messages.ts';
import type { Who } from '../protocol/who.ts';

/** Where heads hear each other about the log; no actor has this path. */
const RAFT = '/raft';

/** What a head says to another, as it goes over their link. */
export function raftEnvelope({ kind, ...body }: HeadMessage): Envelope {
  const message = { name: `raft.${kind}`, body } as unknown as Message;
  return { is: 'call', to: RAFT, ask: 0, message };
}

/** What another head said about the log, if that is what came. */
export function headMessage(who: Who, envelope: Envelope): HeadMessage | undefined {
  if (envelope.is !== 'call' || envelope.to !== RAFT || who.door !== 'head') return undefined;
  const { name, body } = envelope.message;
  if (!name.startsWith('raft.')) return undefined;
  return { ...body, kind: name.slice('raft.'.length) } as unknown as HeadMessage;
}
