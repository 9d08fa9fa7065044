import { Failed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import { type Opening, resumed } from './resume.ts';

/** A file by its content. */
export type Ref = { readonly sha256: string; readonly bytes: number };

/** The bytes of a file from an offset on; asked again, with another offset, after a break. */
export type Chunks = (offset: number) => AsyncIterable<Uint8Array>;

export type Progress = (doneBytes: number, totalBytes: number) => void;

const windowBytes = limits.blobWindowBytes;

/** Brings a file there. The other side says how much of it it has, and answers once it is kept. */
export async function upload(
  opening: Opening,
  { sha256, bytes }: Ref,
  chunks: Chunks,
  progress: Progress,
): Promise<void> {
  const open = () => ({ kind: 'blob.put', body: { sha256, bytes }, windowBytes });
  const sent = resumed(opening, open, async function* (stream, moved) {
    let at = offsetOf(await stream.accepted(), bytes);
    yield at;
    if (at < bytes)
      for await (const chunk of chunks(at)) {
        await stream.write(chunk);
        at += chunk.length;
        moved();
        yield at;
      }
    stream.end();
    // Its end says that the sum was right and the file is durable.
    for await (const _ of stream.read());
  });
  for await (const at of sent) progress(at, bytes);
}

/** The bytes of a file. */
export function download(
  opening: Opening,
  { sha256, bytes }: Ref,
  from: number,
): AsyncGenerator<Uint8Array, void, void> {
  let offset = from;
  const open = () => ({ kind: 'blob.get', body: { sha256, offset }, windowBytes });
  return resumed(opening, open, async function* (stream, moved) {
    stream.end();
    for await (const chunk of stream.read()) {
      moved();
      offset += chunk.length;
      if (offset > bytes) throw new Failed('input_corrupt', `more than ${bytes} bytes came`);
      yield chunk;
    }
    if (offset < bytes) throw new Failed('lost', `only ${offset} of ${bytes} bytes came`);
  });
}

/** The answer to a `blob.put`: how many of its bytes are there already. */
function offsetOf(answer: object, bytes: number): number {
  const { offset = 0 } = answer as { readonly offset?: unknown };
  if (!Number.isSafeInteger(offset) || (offset as number) < 0 || (offset as number) > bytes)
    throw new Failed('refused', 'the other side claims to have what is not in the file');
  return offset as number;
}
