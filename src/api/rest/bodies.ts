import type { Readable } from 'node:stream';
import { Failed, Malformed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { formField } from './multipart.ts';

/** The bytes of bodies that are held for requests; all of them together are bounded. */
export type Bodies = {
  /** Reads a body to its end, also one that is refused, so that its sender reads why. */
  read(body: Readable, lengthGiven: number, keep: Hold): Promise<Buffer>;
};

/** Counts what is held for one request, until that is over. */
export type Hold = { bytes: number };

export function bodiesOf(): Bodies & { readonly release: (hold: Hold) => void } {
  let held = 0;
  const take = (hold: Hold, bytes: number): boolean => {
    if (held + bytes > limits.bodiesBytesMax) return false;
    held += bytes;
    hold.bytes += bytes;
    return true;
  };
  return {
    release: (hold) => {
      held -= hold.bytes;
      hold.bytes = 0;
    },
    async read(body, lengthGiven, hold) {
      if (lengthGiven > limits.bodyDrainedBytesMax) throw tooLarge();
      const parts: Buffer[] = [];
      let bytes = 0;
      let why: Failed | undefined;
      for await (const chunk of body as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > limits.bodyDrainedBytesMax) break;
        if (bytes > BODY_BYTES_MAX) why ??= tooLarge();
        else if (!take(hold, chunk.length)) why ??= new Failed('busy', 'too many large requests');
        if (why === undefined) parts.push(chunk);
        else parts.length = 0;
      }
      if (why !== undefined) throw why;
      return Buffer.concat(parts, bytes);
    },
  };
}

const BODY_BYTES_MAX = limits.scriptBytesMax + limits.formBytesMax;

const tooLarge = (): Failed =>
  new Failed('too_large', `a script has at most ${limits.scriptBytesMax} bytes`);

/**
 * The script of a submission: the body as it stands, or the part `script_content` of a form, which
 * has no file name and no type of its own.
 */
export function scriptOf(body: unknown, contentType: string): string {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
  const isForm = /^multipart\/form-data\b/i.test(contentType);
  const script = isForm ? formField(bytes, contentType, 'script_content') : bytes;
  if (script.length === 0) throw new Malformed('$', 'a job script');
  if (script.length > limits.scriptBytesMax) throw tooLarge();
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(script);
  } catch {
    throw new Malformed('$', 'a job script in UTF-8');
  }
}
