import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import type { BlobWriter } from '../../platform/blobs.ts';
import { type BlobStore, sinkOf } from '../../platform/transfer.ts';
import { Failed, Malformed } from '../../protocol/errors.ts';
import { sha256 } from '../../protocol/model.ts';
import { sendFile } from './files.ts';
import { filePart, fileSchema, jsonSchema } from './operations.ts';
import type { Routes } from './rest.ts';

const params = { sha256 };
/** Not all of it is here yet; the header `range` says how much is. */
const more = {
  308: { description: 'go on', content: { 'application/json': { schema: Type.Object({}) } } },
};
const Kept = Type.Object({ sha256, bytes: Type.Integer({ minimum: 0 }) });

/**
 * Files by the sum of their bytes: what a job's input is made of. One that was cut off goes on
 * where it was: `Content-Range: bytes 1000-1999/2000`, and without a body `bytes *\/2000` to hear
 * how much is there, which is answered with 308 and a `Range`.
 */
export function blobRoutes(app: FastifyInstance, { setup, userOf }: Routes): void {
  const get = { operationId: 'blob.get', summary: 'Gives a file.', tag: 'blob', params };
  app.get(
    '/v1/blobs/:sha256',
    { schema: fileSchema(get, undefined, undefined, filePart) },
    (request, reply) =>
      sendFile(request, reply, setup.blobs(userOf(request)), { sha256: sumOf(request) }),
  );
  // Its body is no form to be read: it goes to the disk as it comes.
  app.register((bare, _, done) => {
    bare.removeAllContentTypeParsers();
    bare.addContentTypeParser('*', (_request, payload, parsed) => parsed(null, payload));
    const put = { operationId: 'blob.put', summary: 'Brings a file.', tag: 'blob', params };
    bare.put(
      '/v1/blobs/:sha256',
      { schema: jsonSchema(put, Kept, undefined, more) },
      (request, reply) => take(request, reply, setup.blobs(userOf(request))),
    );
    done();
  });
}

function sumOf({ params: given }: FastifyRequest): string {
  const sum = (given as { readonly sha256: string }).sha256;
  if (/^[0-9a-f]{64}$/.test(sum)) return sum;
  throw new Malformed('$.sha256', '64 lower-case hexadecimal digits');
}

type Piece = {
  /** Where what comes begins. */
  readonly from: number;
  /** Bytes that come. */
  readonly bytes: number;
  /** Bytes that there are in all. */
  readonly total: number;
};

async function take(
  request: FastifyRequest,
  reply: FastifyReply,
  blobs: BlobStore,
): Promise<FastifyReply> {
  const sum = sumOf(request);
  const piece = pieceOf(request);
  const writer = await blobs.writer(sum, piece.total);
  try {
    const { offset } = writer;
    if (piece.from > offset)
      throw new Failed('wrong_phase', `of this file ${offset} bytes are there: go on from these`);
    const body = request.body instanceof Readable ? request.body : Readable.from([]);
    await pipeline(
      beyond(body, offset - piece.from),
      sinkOf(writer, () => {}),
    );
    return await answered(reply, writer, { sha256: sum, bytes: piece.total });
  } finally {
    await writer.abandon();
  }
}

async function answered(
  reply: FastifyReply,
  writer: BlobWriter,
  blob: { readonly sha256: string; readonly bytes: number },
): Promise<FastifyReply> {
  const { offset } = writer;
  if (offset < blob.bytes) {
    // Whoever hears of it may bring the next piece at once.
    await writer.abandon();
    if (offset > 0) void reply.header('range', `bytes=0-${offset - 1}`);
    return reply.code(308).send(blob);
  }
  await writer.finish();
  return reply.header('location', `/v1/blobs/${blob.sha256}`).send(blob);
}

/** Leaves out what is there already: the sum at the end says whether it was the same. */
async function* beyond(body: Readable, there: number): AsyncGenerator<Buffer> {
  let left = there;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    if (chunk.length > left) yield chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}

function pieceOf({ headers }: FastifyRequest): Piece {
  const length = headers['content-length'];
  const range = headers['content-range'];
  if (range === undefined) {
    if (length === undefined) throw new Malformed('content-length', 'how long the file is');
    return { from: 0, bytes: Number(length), total: Number(length) };
  }
  const [, none, first = '0', last = '-1', total = ''] =
    /^bytes (?:(\*)|(\d{1,15})-(\d{1,15}))\/(\d{1,15})$/.exec(range) ?? [];
  const piece = {
    from: Number(first),
    bytes: Number(last) + 1 - Number(first),
    total: Number(total),
  };
  const isWell = total !== '' && Number(last) < piece.total && piece.bytes >= 0;
  if (!isWell) throw new Malformed('content-range', '`bytes 0-99/200` or `bytes */200`');
  return none === undefined ? piece : { ...piece, from: 0, bytes: 0 };
}
