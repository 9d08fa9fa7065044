import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { serveWatch } from '../../src/api/watch.ts';
import { type Client, connect } from '../../src/client/client.ts';
import { type DiskBlobs, openBlobs } from '../../src/platform/blobs.ts';
import { drained } from '../../src/platform/stream.ts';
import type { Hub, StreamHandler } from '../../src/platform/streams.ts';
import { serveBlobs } from '../../src/platform/transfer.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { memoryFeed } from './feed.ts';
import { head } from './head.ts';
import { pipe, until } from './pipe.ts';

const id = '0123abcd-0123-4abc-8abc-0123456789ab';
const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

function world(serve: (hub: Hub) => void) {
  const door = head({ play: () => undefined, serve });
  const network = pipe(door.take);
  const client: Client = connect({ open: network.open, callMs: 5_000 });
  ends.push(() => client.close());
  return { network, client, notes: door.notes };
}

async function blobs(): Promise<DiskBlobs> {
  const folder = await mkdtemp(join(tmpdir(), 'swm-client-'));
  ends.push(() => rm(folder, { recursive: true, force: true }));
  return openBlobs(folder);
}

const refOf = (bytes: Uint8Array) => ({
  sha256: createHash('sha256').update(bytes).digest('hex'),
  bytes: bytes.length,
});

const chunksOf = (bytes: Uint8Array, size = 100_000) =>
  async function* (offset: number) {
    for (let at = offset; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  };

async function collect(from: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of from) parts.push(part.slice());
  return Buffer.concat(parts);
}

/** A log that is all there; `opened` has the body of each stream that asked for it. */
function log(bytes: Uint8Array) {
  const opened: object[] = [];
  const handler: StreamHandler = async ({ body, stream, accept }) => {
    opened.push(body as object);
    accept();
    stream.resume();
    for await (const chunk of chunksOf(bytes)((body as { readonly offset: number }).offset))
      if (!stream.write(chunk)) await drained(stream);
    stream.end();
  };
  return { opened, serve: (hub: Hub) => hub.serve('log.follow', handler) };
}

describe('following a log', () => {
  it('asks for what was wished, and gives its bytes', async () => {
    const bytes = randomBytes(300_000);
    const { opened, serve } = log(bytes);
    const { client } = world(serve);
    const wish = { stream: 'stderr', offset: 1_000, follow: false, rank: 2 } as const;
    expect(await collect(client.follow(id, wish))).toEqual(bytes.subarray(1_000));
    expect(opened).toEqual([{ id, ...wish }]);
  });

  it('reads more than a window of bytes over one connection', async () => {
    const bytes = randomBytes(5_000_000);
    const { opened, serve } = log(bytes);
    const { client } = world(serve);
    expect((await collect(client.follow(id))).equals(bytes)).toBe(true);
    expect(opened).toHaveLength(1);
  });

  it('misses no byte and gives none twice, however often the connection is lost', async () => {
    const bytes = randomBytes(5_000_000);
    const { opened, serve } = log(bytes);
    const { client, network } = world(serve);
    const parts: Uint8Array[] = [];
    let got = 0;
    let cuts = 0;
    for await (const part of client.follow(id)) {
      parts.push(part.slice());
      got += part.length;
      if (got > (cuts + 1) * 1_000_000) {
        cuts += 1;
        network.cut();
      }
    }
    expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    expect(cuts).toBeGreaterThanOrEqual(4);
    expect(opened).toHaveLength(cuts + 1);
  });

  it('lets the other side know when the reader wants no more', async () => {
    let over: Error | null | undefined;
    const { client } = world((hub) =>
      hub.serve('log.follow', ({ stream, accept }) => {
        accept();
        stream.resume();
        stream.write(Buffer.from('first'));
        stream.on('close', () => {
          over = stream.errored;
        });
      }),
    );
    for await (const part of client.follow(id)) {
      expect(Buffer.from(part).toString()).toBe('first');
      break;
    }
    await until(() => over !== undefined, 'the stream closed there');
    expect(over).toMatchObject({ failure: { code: 'refused' } });
  });

  it('slows the sender down to the pace of the reader', async () => {
    let written = 0;
    const { client } = world((hub) =>
      hub.serve('log.follow', async ({ stream, accept }) => {
        accept();
        stream.resume();
        const chunk = Buffer.alloc(64 << 10);
        while (!stream.destroyed) {
          written += chunk.length;
          if (!stream.write(chunk)) await drained(stream);
        }
      }),
    );
    const reading = client.follow(id);
    await reading.next();
    let before = -1;
    while (before !== written) {
      before = written;
      await new Promise((later) => setTimeout(later, 50));
    }
    expect(written).toBeLessThan(4 << 20);
    await reading.return();
  });

  it('throws why it was refused', async () => {
    const { client, notes } = world((hub) =>
      hub.serve('log.follow', () => {
        throw new Failed('forbidden', 'not yours');
      }),
    );
    await expect(collect(client.follow(id))).rejects.toMatchObject({
      failure: { code: 'forbidden', text: 'not yours' },
    });
    expect(notes).toEqual([]);
  });
});

describe('files', () => {
  it('arrive whole, also over lost connections, and are not sent again', async () => {
    const store = await blobs();
    const { client, network } = world(serveBlobs(store, () => undefined));
    const bytes = randomBytes(30_000_000);
    const ref = refOf(bytes);
    const offsets: number[] = [];
    const source = (offset: number) => {
      offsets.push(offset);
      return chunksOf(bytes)(offset);
    };
    let cuts = 0;
    const seen: number[] = [];
    await client.upload(ref, source, (done) => {
      seen.push(done);
      if (done > (cuts + 1) * 12_000_000 && cuts < 2) {
        cuts += 1;
        network.cut();
      }
    });
    expect(store.has(ref.sha256)).toBe(true);
    expect(cuts).toBe(2);
    expect(offsets).toHaveLength(3);
    expect(offsets[2]).toBeGreaterThan(offsets[1]!);
    expect(seen.at(-1)).toBe(bytes.length);
    expect((await collect(store.read(ref.sha256, 0))).equals(bytes)).toBe(true);

    seen.length = 0;
    await client.upload(ref, source, (done) => seen.push(done));
    expect(seen).toEqual([bytes.length]);
    expect(offsets).toHaveLength(3);
  });

  it('of no bytes arrive as well', async () => {
    const store = await blobs();
    const { client } = world(serveBlobs(store, () => undefined));
    const ref = refOf(new Uint8Array(0));
    await client.upload(ref, chunksOf(new Uint8Array(0)));
    expect(store.has(ref.sha256)).toBe(true);
    expect(await collect(client.download(ref))).toHaveLength(0);
  });

  it('that are not what was promised are refused', async () => {
    const store = await blobs();
    const { client } = world(serveBlobs(store, () => undefined));
    const ref = refOf(Buffer.from('one thing'));
    const other = client.upload(ref, chunksOf(Buffer.from('something')));
    await expect(other).rejects.toMatchObject({ failure: { code: 'input_corrupt' } });
    expect(store.has(ref.sha256)).toBe(false);
  });

  it('come back whole over lost connections, or from where one left off', async () => {
    const store = await blobs();
    const { client, network } = world(serveBlobs(store, () => undefined));
    const bytes = randomBytes(20_000_000);
    const ref = refOf(bytes);
    await client.upload(ref, chunksOf(bytes));
    const parts: Uint8Array[] = [];
    let got = 0;
    let cuts = 0;
    for await (const part of client.download(ref)) {
      parts.push(part.slice());
      got += part.length;
      if (got < (cuts + 1) * 6_000_000) continue;
      cuts += 1;
      network.cut();
    }
    expect(cuts).toBe(3);
    expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    const rest = await collect(client.download(ref, 19_999_990));
    expect(rest).toEqual(bytes.subarray(19_999_990));
  });

  it('that nobody has are not found', async () => {
    const store = await blobs();
    const { client } = world(serveBlobs(store, () => undefined));
    const missing = collect(client.download(refOf(Buffer.from('x'))));
    await expect(missing).rejects.toMatchObject({ failure: { code: 'not_found' } });
  });
});

describe('a watch over a lost connection', () => {
  it('tells what vanished meanwhile, and is whole only once', async () => {
    const { feed, put } = memoryFeed();
    const { client, network } = world((hub) =>
      hub.serve(
        'watch',
        serveWatch(feed, () => false),
      ),
    );
    put('nodes', 'a', { n: 1 });
    put('nodes', 'b', { n: 2 });
    const rows: string[] = [];
    const watch = client.watch('nodes');
    const read = async (count: number) => {
      for (const until = rows.length + count; rows.length < until; ) {
        const { value } = await watch.next();
        if (value !== undefined) rows.push(`${value.key}${JSON.stringify(value.row)}`);
      }
    };
    await read(3);
    network.refuse = new Failed('unreachable', 'nobody listens');
    network.cut();
    put('nodes', 'a', null);
    put('nodes', 'b', { n: 3 });
    network.refuse = undefined;
    await read(2);
    put('nodes', 'c', { n: 4 });
    await read(1);
    expect(rows).toEqual(['a{"n":1}', 'b{"n":2}', 'null', 'anull', 'b{"n":3}', 'c{"n":4}']);
    await watch.return();
  });
});
