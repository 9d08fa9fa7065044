import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DiskBlobs, openBlobs } from '../../src/platform/blobs.ts';
import { Failed, type Failure } from '../../src/protocol/errors.ts';
import { limits } from '../../src/protocol/limits.ts';

const sum = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const DAY = 86_400_000;
let home: string;
let at: string;
let blobs: DiskBlobs;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'swm-blobs-'));
  at = join(home, 'blobs');
  blobs = await openBlobs(at);
});
afterEach(async () => {
  await rm(home, { recursive: true });
});

const failed = async (work: Promise<unknown>): Promise<Failure> => {
  const error = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(Failed);
  return (error as Failed).failure;
};

const add = async (bytes: Uint8Array): Promise<string> => {
  const writer = await blobs.writer(sum(bytes), bytes.length);
  await writer.write(bytes);
  await writer.finish();
  return sum(bytes);
};

const gather = async (sha256: string, offset = 0): Promise<Buffer> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of blobs.read(sha256, offset)) {
    expect(chunk.length).toBeLessThanOrEqual(limits.blobChunkBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};

const files = async (): Promise<string[]> =>
  (await readdir(at, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);

describe('a blob', () => {
  it('is what was written, by its sum, for its owner alone, readable from anywhere', async () => {
    const bytes = randomBytes(3 * limits.blobChunkBytes + 17);
    const sha256 = sum(bytes);
    expect(blobs.has(sha256)).toBe(false);
    await add(bytes);
    expect(blobs.has(sha256)).toBe(true);
    expect(blobs.path(sha256)).toBe(join(at, sha256.slice(0, 2), sha256));
    expect((await stat(blobs.path(sha256))).mode & 0o777).toBe(0o600);
    expect((await stat(join(at, sha256.slice(0, 2)))).mode & 0o777).toBe(0o700);
    for (const offset of [
      0,
      1,
      limits.blobChunkBytes,
      bytes.length - 1,
      bytes.length,
      bytes.length + 9,
    ])
      expect(Buffer.compare(await gather(sha256, offset), bytes.subarray(offset))).toBe(0);
    expect(await files()).toEqual([sha256]);
  });

  it('may be empty', async () => {
    const sha256 = await add(new Uint8Array(0));
    expect(await gather(sha256)).toHaveLength(0);
  });

  it('is not there to be read before it is finished', async () => {
    const bytes = randomBytes(100);
    const writer = await blobs.writer(sum(bytes), 100);
    await writer.write(bytes);
    expect(blobs.has(sum(bytes))).toBe(false);
    expect(await failed(gather(sum(bytes)))).toMatchObject({ code: 'not_found' });
    await writer.finish();
    expect(blobs.has(sum(bytes))).toBe(true);
    await expect(writer.write(bytes)).rejects.toThrow(/closed/);
  });

  it('that is there already asks for nothing', async () => {
    const bytes = Buffer.from('again');
    const sha256 = await add(bytes);
    const writer = await blobs.writer(sha256, bytes.length);
    expect(writer.offset).toBe(bytes.length);
    await writer.finish();
    expect(await gather(sha256)).toEqual(bytes);
    expect(await failed(writer.write(bytes))).toMatchObject({ code: 'input_corrupt' });
  });

  it.each([
    '',
    '..',
    '../../etc/passwd',
    'A'.repeat(64),
    'g'.repeat(64),
    'a'.repeat(63),
    `${'a'.repeat(64)}\n`,
    `../${'a'.repeat(61)}`,
    `${'a'.repeat(63)}/`,
  ])('has no such name as %j', async (name) => {
    expect(() => blobs.path(name)).toThrow(/64 lower-case/);
    expect(() => blobs.has(name)).toThrow(/64 lower-case/);
    await expect(blobs.writer(name, 1)).rejects.toThrow(/64 lower-case/);
    expect(() => blobs.read(name, 0)).toThrow(/64 lower-case/);
    await expect(blobs.writer('a'.repeat(64), -1)).rejects.toThrow(/a count/);
    expect(await files()).toEqual([]);
  });
});

describe('a part', () => {
  it('is gone on with where it was left, by this process or the next', async () => {
    const bytes = randomBytes(300_000);
    const first = await blobs.writer(sum(bytes), bytes.length);
    expect(first.offset).toBe(0);
    await first.write(bytes.subarray(0, 100_000));
    await first.abandon();
    const second = await blobs.writer(sum(bytes), bytes.length);
    expect(second.offset).toBe(100_000);
    await second.write(bytes.subarray(100_000, 200_001));
    await second.abandon();
    blobs = await openBlobs(at);
    const third = await blobs.writer(sum(bytes), bytes.length);
    expect(third.offset).toBe(200_001);
    await third.write(bytes.subarray(200_001));
    await third.finish();
    expect(Buffer.compare(await gather(sum(bytes)), bytes)).toBe(0);
    expect(await files()).toEqual([sum(bytes)]);
  });

  it('has one writer at a time', async () => {
    const bytes = Buffer.from('shared');
    const first = await blobs.writer(sum(bytes), 6);
    expect(await failed(blobs.writer(sum(bytes), 6))).toMatchObject({ code: 'busy' });
    await first.write(bytes);
    const finishing = first.finish();
    expect(await failed(blobs.writer(sum(bytes), 6))).toMatchObject({ code: 'busy' });
    await finishing;
    expect((await blobs.writer(sum(bytes), 6)).offset).toBe(6);
  });

  it.each([
    ['other bytes', (bytes: Buffer) => Buffer.from(bytes).fill(0, 10, 11), 'arrived as'],
    ['too few', (bytes: Buffer) => bytes.subarray(1), 'came 99 of 100 bytes'],
    ['too many', (bytes: Buffer) => Buffer.concat([bytes, bytes]), 'longer than the 100 bytes'],
  ])('of %s is corrupt, is removed, and may be sent anew', async (_, spoil, why) => {
    const bytes = randomBytes(100).fill(1, 10, 11);
    const writer = await blobs.writer(sum(bytes), 100);
    const send = async (): Promise<void> => {
      await writer.write(spoil(bytes));
      await writer.finish();
    };
    const failure = await failed(send());
    expect([failure.code, failure.text]).toEqual(['input_corrupt', expect.stringContaining(why)]);
    expect(failure.retry).toBe(true);
    expect(await files()).toEqual([]);
    expect(blobs.has(sum(bytes))).toBe(false);
    await add(bytes);
  });

  it('that a power cut spoiled is found out, whatever its length', async () => {
    const bytes = randomBytes(1_000);
    for (const spoiled of [Buffer.alloc(500), Buffer.alloc(1_000), Buffer.alloc(1_001)]) {
      await writeFile(join(at, 'parts', sum(bytes)), spoiled);
      const writer = await blobs.writer(sum(bytes), 1_000);
      expect(writer.offset).toBe(spoiled.length > 1_000 ? 0 : spoiled.length);
      await writer.write(bytes.subarray(writer.offset));
      if (writer.offset === 1_000 && spoiled.length > 1_000) await writer.finish();
      else expect(await failed(writer.finish())).toMatchObject({ code: 'input_corrupt' });
    }
    expect(Buffer.compare(await gather(sum(bytes)), bytes)).toBe(0);
  });
});

describe('a file', () => {
  it('is copied in, and later changes of it are not', async () => {
    const bytes = randomBytes(500_000);
    const path = join(home, 'output');
    await writeFile(path, bytes);
    const ref = await blobs.putFile(path);
    expect(ref).toEqual({ sha256: sum(bytes), bytes: 500_000 });
    await appendFile(path, 'more');
    expect(Buffer.compare(await gather(ref.sha256), bytes)).toBe(0);
    await writeFile(path, bytes);
    expect(await blobs.putFile(path)).toEqual(ref);
    expect(await files()).toEqual([ref.sha256]);
  });

  it('is not taken from behind a link, out of a pipe or a directory, or from nowhere', async () => {
    await writeFile(join(home, 'secret'), 'root only');
    await symlink(join(home, 'secret'), join(home, 'link'));
    execFileSync('mkfifo', [join(home, 'pipe')]);
    await mkdir(join(home, 'directory'));
    for (const name of ['link', 'pipe', 'directory']) {
      const failure = await failed(blobs.putFile(join(home, name)));
      expect([failure.code, failure.text]).toEqual(['refused', expect.stringContaining(name)]);
    }
    expect(await failed(blobs.putFile(join(home, 'absent')))).toMatchObject({ code: 'not_found' });
    expect(await files()).toEqual([]);
  });
});

describe('a sweep', () => {
  const age = async (path: string, days: number): Promise<void> => {
    const then = new Date(Date.now() - days * DAY);
    await utimes(path, then, then);
  };

  it('removes what is old and kept by nobody, parts too, and nothing else', async () => {
    const [kept, old, young] = await Promise.all(
      ['kept', 'old', 'young'].map((t) => add(Buffer.from(t))),
    );
    const part = await blobs.writer(sum(Buffer.from('part')), 4);
    await part.write(Buffer.from('pa'));
    await part.abandon();
    const live = await blobs.writer(sum(Buffer.from('live')), 4);
    await live.write(Buffer.from('li'));
    for (const path of [blobs.path(kept!), blobs.path(old!)]) await age(path, 2);
    for (const name of ['part', 'live']) await age(join(at, 'parts', sum(Buffer.from(name))), 2);
    expect(await blobs.sweep(new Set([kept!]), DAY, Date.now())).toEqual({ blobs: 2, bytes: 5 });
    expect((await files()).toSorted()).toEqual(
      [kept!, young!, sum(Buffer.from('live'))].toSorted(),
    );
    await live.write(Buffer.from('ve'));
    await live.finish();
    expect(blobs.has(sum(Buffer.from('live')))).toBe(true);
  });

  it('spares what somebody asked for since', async () => {
    const shas = await Promise.all(
      ['asked', 'written', 'put', 'no'].map((t) => add(Buffer.from(t))),
    );
    for (const sha of shas) await age(blobs.path(sha), 2);
    expect(blobs.has(shas[0]!)).toBe(true);
    await (await blobs.writer(shas[1]!, 7)).finish();
    await writeFile(join(home, 'file'), 'put');
    await blobs.putFile(join(home, 'file'));
    expect(await blobs.sweep(new Set(), DAY, Date.now())).toEqual({ blobs: 1, bytes: 2 });
    expect((await files()).toSorted()).toEqual(shas.slice(0, 3).toSorted());
  });
});

describe('a full disk', () => {
  it('is named, with the path, and the part can be gone on with', async () => {
    const script = `
      import { openBlobs } from ${JSON.stringify(join(process.cwd(), 'src/platform/blobs.ts'))};
      import { writeFileSync } from 'node:fs';
      const blobs = await openBlobs(${JSON.stringify(at)});
      const sha = 'a'.repeat(64);
      const writer = await blobs.writer(sha, 4 << 20);
      const told = [];
      try { for (;;) await writer.write(Buffer.alloc(100_000)); }
      catch (error) { told.push(error.failure); }
      try { await blobs.putFile(process.argv[1]); } catch (error) { told.push(error.failure); }
      console.log(JSON.stringify(told));`;
    await writeFile(join(home, 'large'), Buffer.alloc(1 << 20));
    const limited = [
      '-c',
      'ulimit -f 1024; exec "$@"',
      'sh',
      process.execPath,
      '--input-type=module',
      '-e',
    ];
    const out = execFileSync('/bin/sh', [...limited, script, join(home, 'large')]).toString();
    const [write, put] = JSON.parse(out) as [Failure, Failure];
    for (const { code, text, retry } of [write, put]) {
      expect([code, retry]).toEqual(['disk_full', true]);
      expect(text).toContain(`Free space on the disk that holds ${join(at, 'parts')}`);
    }
    expect(put.text).toContain(join(home, 'large'));
    expect(await readdir(join(at, 'parts'))).toEqual(['a'.repeat(64)]);
    const writer = await blobs.writer('a'.repeat(64), 4 << 20);
    expect(writer.offset).toBeGreaterThanOrEqual(500_000);
    await writer.abandon();
  });
});
