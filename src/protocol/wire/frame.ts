import type { Envelope } from '../envelope.ts';
import { Malformed } from '../errors.ts';
import { limits } from '../limits.ts';
import { askOf, type BodyChecks, envelopeOf, rowOf } from './envelope-row.ts';
import type { Packing } from './packing.ts';

/** Envelopes to frames and back. One that learns belongs to one link; the others have no state. */
export type Codec = {
  /** Takes up to `limits.frameEnvelopesMax`. What it gives may be too large to send. */
  readonly encode: (envelopes: readonly Envelope[]) => Uint8Array;
  /**
   * Throws only `Malformed`. With `refuse`, a question that is broken in itself is told there, and
   * the rest of the frame is read as if it had not been in it.
   */
  readonly decode: (
    frame: Uint8Array,
    refuse?: (ask: number, why: Malformed) => void,
  ) => readonly Envelope[];
  /** To be called when a frame was encoded and not sent. */
  readonly forget: () => void;
};

/** A frame is an array of rows; this is the only place that says so. */
export const codecOf = (packing: Packing, checks: BodyChecks): Codec => ({
  encode: (envelopes) => packing.pack(envelopes.map(rowOf)),
  decode: (frame, refuse) => decoded(rowsOf(packing, frame), checks, refuse),
  forget: packing.forget,
});

function rowsOf(packing: Packing, frame: Uint8Array): readonly unknown[] {
  if (frame.length > limits.frameBytesMax)
    throw new Malformed('$', `a frame of at most ${limits.frameBytesMax} bytes`);
  const rows = packing.unpack(frame);
  if (!Array.isArray(rows)) throw new Malformed('$', 'an array of envelopes');
  if (rows.length > limits.frameEnvelopesMax)
    throw new Malformed('$', `at most ${limits.frameEnvelopesMax} envelopes`);
  return rows;
}

function decoded(
  rows: readonly unknown[],
  checks: BodyChecks,
  refuse: ((ask: number, why: Malformed) => void) | undefined,
): readonly Envelope[] {
  const envelopes: Envelope[] = [];
  for (const row of rows) {
    try {
      envelopes.push(envelopeOf(row, checks));
    } catch (error) {
      const ask = askOf(row);
      if (refuse === undefined || ask === 0 || !(error instanceof Malformed)) throw error;
      refuse(ask, error);
    }
  }
  return envelopes;
}
