import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BlobStore } from '../../platform/transfer.ts';
import { Failed, failure } from '../../protocol/errors.ts';
import { problem } from './problem.ts';

/** A file by its content, and how it is called where it is kept. */
export type Sent = { readonly sha256: string; readonly name?: string };

/**
 * Sends a file, or the part that is asked for: with its sum, by which the reader can check it, and
 * go on after a cut. What a job made is nothing that a browser may show as a page of ours.
 */
export async function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  blobs: BlobStore,
  { sha256, name }: Sent,
): Promise<FastifyReply> {
  if (!(await blobs.find?.(sha256)) && !blobs.has(sha256))
    throw new Failed('not_found', `the file ${sha256} is not here`);
  const { size } = await stat(blobs.path(sha256));
  const tag = `"${sha256}"`;
  const sum = Buffer.from(sha256, 'hex').toString('base64');
  void reply.headers({
    'accept-ranges': 'bytes',
    etag: tag,
    'repr-digest': `sha-256=:${sum}:`,
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
    ...(name !== undefined && { 'content-disposition': attachment(name) }),
  });
  const { range, 'if-range': ifRange, 'if-none-match': known } = request.headers;
  if (known === tag) return reply.code(304).send();
  const part = ifRange === undefined || ifRange === tag ? partOf(range, size) : undefined;
  if (part === null) {
    const why = failure('malformed', `range: bytes of the ${size} that there are`);
    const { type, body } = problem(why);
    void reply.code(416).header('content-range', `bytes */${size}`).type(type);
    return reply.send(JSON.stringify({ ...body, status: 416, title: 'Range Not Satisfiable' }));
  }
  const { from, to } = part ?? { from: 0, to: size };
  if (part !== undefined)
    void reply.code(206).header('content-range', `bytes ${from}-${to - 1}/${size}`);
  void reply.type('application/octet-stream').header('content-length', to - from);
  const chunks = upTo(blobs.read(sha256, from), to - from);
  return reply.send(Readable.from(chunks, { highWaterMark: 1 }));
}

const attachment = (name: string): string =>
  `attachment; filename*=UTF-8''${encodeURIComponent(name.slice(name.lastIndexOf('/') + 1))}`;

type Part = { readonly from: number; readonly to: number };

/** The part that is asked for; undefined: all of it, null: one that there is not. */
function partOf(header: string | undefined, size: number): Part | undefined | null {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const bytes = Math.min(Number(last), size);
    return bytes === 0 ? null : { from: size - bytes, to: size };
  }
  const from = Number(first);
  const to = last === '' ? size : Math.min(Number(last) + 1, size);
  if (last !== '' && Number(last) < from) return undefined;
  return from >= size ? null : { from, to };
}

async function* upTo(chunks: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Uint8Array> {
  let left = bytes;
  if (left === 0) return;
  for await (const chunk of chunks) {
    yield chunk.subarray(0, left);
    left -= chunk.length;
    if (left <= 0) return;
  }
}
