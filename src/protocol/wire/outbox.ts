import type { Envelope } from '../envelope.ts';
import { type Failure, failure } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Codec } from './frame.ts';

/** As much of a link as the outbox needs: `send` says whether it took the frame. */
export type Outlet = {
  readonly frameBytesMax: number;
  send(frame: Uint8Array): boolean;
};

export type OutboxOptions = {
  readonly link: Outlet;
  readonly codec: Codec;
  /** Calls back at the end of this turn of the event loop. */
  readonly soon: (then: () => void) => void;
  /** A call that cannot be put into any frame. Its sender waits for an answer. */
  readonly unsent: (call: Envelope & { is: 'call' }, why: Failure) => void;
};

/**
 * Gathers what is said within one turn of the event loop into frames. When the link takes no more,
 * the frame that it refused is kept, and no more than one frame's envelopes are taken besides.
 */
export type Outbox = {
  /** False: it was not taken, since the peer reads too slowly. */
  push(envelope: Envelope): boolean;
  /** Sends what waits, without waiting for the end of the turn. */
  flush(): void;
  /** To be called when the link has room again. */
  drained(): void;
};

export function outbox(options: OutboxOptions): Outbox {
  const { link, codec, soon } = options;
  const held: Uint8Array[] = [];
  let waiting: Envelope[] = [];
  let scheduled = false;

  const send = (envelopes: readonly Envelope[]): void => {
    const frame = encoded(codec, envelopes);
    if (frame.bytes !== undefined && frame.bytes.length <= link.frameBytesMax) {
      if (held.length > 0 || !link.send(frame.bytes)) held.push(frame.bytes);
      return;
    }
    codec.forget();
    if (envelopes.length === 1) return giveUp(envelopes[0]!, frame);
    const half = envelopes.length >> 1;
    send(envelopes.slice(0, half));
    send(envelopes.slice(half));
  };
  const giveUp = (envelope: Envelope, { bytes, broken }: Encoded): void => {
    const most = `${link.frameBytesMax} bytes fit into one message`;
    const why =
      bytes === undefined
        ? failure('bug', `it cannot be written: ${broken}`)
        : failure('too_large', `it has ${bytes.length} bytes; ${most}`);
    if (envelope.is === 'call') options.unsent(envelope, why);
    if (envelope.is === 'reply') send([{ is: 'refused', ask: envelope.ask, failure: why }]);
  };
  const flush = (): void => {
    scheduled = false;
    if (waiting.length === 0 || held.length > 0) return;
    const envelopes = waiting;
    waiting = [];
    send(envelopes);
  };

  return {
    push(envelope) {
      if (held.length > 0 && waiting.length >= limits.frameEnvelopesMax) return false;
      waiting.push(envelope);
      if (waiting.length >= limits.frameEnvelopesMax) flush();
      else if (!scheduled) {
        scheduled = true;
        soon(flush);
      }
      return true;
    },
    flush,
    drained() {
      while (held.length > 0 && link.send(held[0]!)) held.shift();
      flush();
    },
  };
}

type Encoded = { readonly bytes?: Uint8Array; readonly broken?: string };

/** A body that cannot be written must not take down who else has something to say. */
function encoded(codec: Codec, envelopes: readonly Envelope[]): Encoded {
  try {
    return { bytes: codec.encode(envelopes) };
  } catch (error) {
    return { broken: error instanceof Error ? error.message : String(error) };
  }
}
