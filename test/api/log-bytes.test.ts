import { describe, expect, it } from 'vitest';
import { fromBlob, type Wanted } from '../../src/api/log-bytes.ts';
import type { BlobStore } from '../../src/platform/transfer.ts';

const wanted = (): Wanted => ({ id: 'x', stream: 'stdout', rank: 0, follow: false, offset: 0 });
const blobs = (text: string) =>
  ({
    async *read(_: string, offset: number) {
      yield Buffer.from(text.slice(offset));
    },
  }) as unknown as BlobStore;

async function read(text: string, bytes: number): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of fromBlob(blobs(text), { sha256: 'a', bytes }, wanted()))
    parts.push(part);
  return Buffer.concat(parts).toString();
}

describe('a log that is kept', () => {
  it('is read to its last byte', async () => {
    expect(await read('all of it', 9)).toBe('all of it');
  });

  it('is not taken for whole when some of its bytes are not here', async () => {
    await expect(read('', 9)).rejects.toThrow('of 9 bytes of a log only 0 are here');
    await expect(read('all', 9)).rejects.toThrow('only 3 are here');
  });
});
