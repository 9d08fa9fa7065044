import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sha256OfFile } from '../../src/platform/file-hash.ts';

const folder = mkdtempSync(join(tmpdir(), 'swm-hash-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('the hash of a file', () => {
  for (const bytes of [0, 1, 1 << 20, (1 << 20) + 1, 5_000_000])
    it(`is that of its ${bytes} bytes`, async () => {
      const content = Buffer.alloc(bytes, 'a part of it; ');
      const path = join(folder, `${bytes}`);
      writeFileSync(path, content);
      const expected = createHash('sha256').update(content).digest('hex');
      expect(await sha256OfFile(path)).toBe(expected);
    });

  it('says why there is none', async () => {
    await expect(sha256OfFile(join(folder, 'none'))).rejects.toThrow('ENOENT');
    await expect(sha256OfFile(folder)).rejects.toThrow('EISDIR');
  });
});
