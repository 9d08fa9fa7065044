import {
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStore } from '../../src/platform/store.ts';
import { checkStore } from '../../src/platform/store-check.ts';
import { Failed, type Failure } from '../../src/protocol/errors.ts';
import { commit, put } from '../ports/store.suite.ts';

const PAGE = 4_096;
let home: string;
let at: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'swm-store-'));
  at = join(home, 'store');
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

describe('the files of a store', () => {
  const fill = async (): Promise<void> => {
    const store = await openStore(at);
    for (let n = 0; n < 20; n++)
      await commit(
        store,
        ...Array.from({ length: 50 }, (_, m) => put(`${n}/${m}`, 'v'.repeat(300))),
      );
    await commit(store, put('long', 'v'.repeat(50_000)));
    await store.close();
  };
  const data = (): string => join(at, 'data.mdb');

  it('are for their owner alone', async () => {
    await fill();
    expect((await stat(at)).mode & 0o777).toBe(0o700);
    const names = await readdir(at);
    expect(names.toSorted()).toEqual(['data.mdb', 'format', 'lock.mdb']);
    for (const name of names) expect((await stat(join(at, name))).mode & 0o777).toBe(0o600);
  });

  it('are found whole by the check, however the store was used', async () => {
    await fill();
    expect(checkStore(data(), Number.POSITIVE_INFINITY)).toBeUndefined();
    const store = await openStore(at);
    for (let n = 0; n < 20; n++)
      await commit(
        store,
        ...Array.from({ length: 49 }, (_, m) => ({ key: `${n}/${m}`, value: undefined })),
      );
    await commit(store, put('long', 'w'.repeat(200_000)));
    await store.close();
    expect(checkStore(data(), Number.POSITIVE_INFINITY)).toBeUndefined();
  });

  it.each([
    ['cut to nothing', (bytes: number) => bytes - bytes, /is empty or gone/],
    ['cut within the header', () => 100, /less than a header/],
    ['cut within the first pages', () => PAGE + 1, /less than two pages/],
    ['cut in the middle', (bytes: number) => Math.floor(bytes / 2 / PAGE) * PAGE, /cut off/],
    ['cut within a page', (bytes: number) => bytes - 100, /cut off/],
  ])('are refused when %s, with the path and what to do', async (_, length, why) => {
    await fill();
    await truncate(data(), length((await stat(data())).size));
    const { code, text } = await failed(openStore(at));
    expect(code).toBe('corrupt');
    expect(text).toMatch(why);
    expect(text).toContain(at);
    expect(text).toMatch(/Put a backup in its place/);
  });

  it('are refused when a page of the tree is torn', async () => {
    await fill();
    const file = await open(data(), 'r+');
    const pages = (await file.stat()).size / PAGE;
    let refused = 0;
    for (let page = 2; page < pages; page++) {
      const kept = Buffer.alloc(PAGE);
      await file.read(kept, 0, PAGE, page * PAGE);
      await file.write(Buffer.alloc(PAGE, 0xa5), 0, PAGE, page * PAGE);
      if (checkStore(data(), Number.POSITIVE_INFINITY) !== undefined) refused++;
      if (refused === 1) expect((await failed(openStore(at))).text).toMatch(/torn|page/);
      await file.write(kept, 0, PAGE, page * PAGE);
    }
    await file.close();
    expect(refused).toBeGreaterThan(50);
    await (await openStore(at)).close();
  });

  it('are refused when they are something else, or not there any more', async () => {
    await fill();
    const bytes = await readFile(data());
    await writeFile(data(), Buffer.alloc(bytes.length, 'garbage '));
    expect(await failed(openStore(at))).toMatchObject({ code: 'corrupt' });
    await rm(data());
    expect((await failed(openStore(at))).text).toMatch(/data.mdb is empty or gone/);
    await writeFile(data(), bytes);
    await writeFile(join(at, 'format'), 'swm store 2\n');
    const newer = await failed(openStore(at));
    expect([newer.code, newer.text]).toEqual([
      'wrong_version',
      expect.stringMatching(/format 2.*up to 1/),
    ]);
    await writeFile(join(at, 'format'), 'nonsense');
    expect(await failed(openStore(at))).toMatchObject({ code: 'corrupt' });
    await rm(join(at, 'format'));
    const store = await openStore(at);
    expect(store.get('0/0')).toBeDefined();
    await store.close();
  });

  it('are made anew over what a killed first start left', async () => {
    await mkdir(`${at}.new`);
    await writeFile(join(`${at}.new`, 'data.mdb'), 'half');
    await mkdir(at);
    const store = await openStore(at);
    expect(await commit(store, put('a'))).toBe('committed');
    await store.close();
    expect(await readdir(home)).toEqual(['store']);
  });

  it('are not made in the place of something else', async () => {
    await mkdir(at);
    await writeFile(join(at, 'thesis.txt'), 'years of work');
    expect(await failed(openStore(at))).toMatchObject({ code: 'disk_error' });
    expect(await readFile(join(at, 'thesis.txt'), 'utf8')).toBe('years of work');
    await writeFile(join(home, 'file'), '');
    expect((await failed(openStore(join(home, 'file', 'store')))).text).toContain(
      join(home, 'file'),
    );
  });
});
