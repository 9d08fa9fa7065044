import { appendFile, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Output, Saver } from '../../src/actors/ports.ts';
import { type DiskBlobs, openBlobs } from '../../src/platform/blobs.ts';
import { takeCheckpoint } from '../../src/platform/checkpoint.ts';
import { limits } from '../../src/protocol/limits.ts';

const never = new AbortController().signal;
const pace = { quietMs: 200, lookMs: 20 };
const LONG = 20_000;
/** Long enough that something quiet would have been taken. */
const SHORT = pace.quietMs * 2;

let home: string;
let work: string;
let folder: string;
let blobs: DiskBlobs;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'swm-checkpoint-'));
  work = join(home, 'work');
  folder = join(work, 'checkpoint');
  await mkdir(folder, { recursive: true });
  blobs = await openBlobs(join(home, 'blobs'));
});
afterEach(() => rm(home, { recursive: true }));

const take = (job: Partial<Saver>, ms = LONG, at: object = {}): Promise<readonly Output[] | null> =>
  takeCheckpoint(
    { work, folder, blobs, owner: undefined, pace, ...at },
    { ask: async () => true, isOver: () => false, ...job },
    ms,
    never,
  );
const write = (name: string, text: string) => writeFile(join(folder, name), text);
const paths = (files: readonly Output[] | null) => files?.map(({ path }) => path);
/** What it does once it was told. */
const told = (act: () => Promise<unknown>): Partial<Saver> => ({
  ask: async () => {
    void act();
    return true;
  },
});

describe('a checkpoint', () => {
  it('is what the job writes when it is told, once that does not change any more', async () => {
    await write('old', 'before');
    const files = await take(
      told(async () => {
        for (let i = 0; i < 15; i++) {
          await appendFile(join(folder, 'state'), 'x');
          await new Promise((resolve) => setTimeout(resolve, pace.lookMs));
        }
      }),
    );
    expect(paths(files)).toEqual(['checkpoint/old', 'checkpoint/state']);
    expect(files?.[1]?.bytes).toBe(15);
  });

  it('is none as long as nothing of it is new', async () => {
    await write('old', 'before');
    expect(await take({}, SHORT)).toBe(null);
  });

  it('is whole when the job says so, and never before if it ever did', async () => {
    const first = await take(told(() => write('a', '1').then(() => write('.done', ''))));
    expect(paths(first)).toEqual(['checkpoint/.done', 'checkpoint/a']);
    // Quiet, and yet not whole: the mark is the old one, or taken away.
    expect(
      await take(
        told(() => write('a', '2')),
        SHORT,
      ),
    ).toBe(null);
    expect(
      await take(
        told(() => rm(join(folder, '.done'))),
        SHORT,
      ),
    ).toBe(null);
    const files = await take(told(() => write('a', '3').then(() => write('.done', ''))));
    expect(paths(files)).toEqual(['checkpoint/.done', 'checkpoint/a']);
  });

  it('is what there is of a job that does not listen', async () => {
    const deaf = { ask: async () => false };
    expect(await take(deaf, SHORT)).toBe(null);
    await write('a', '1');
    expect(paths(await take(deaf))).toEqual(['checkpoint/a']);
  });

  it('is what a job has left that has ended, and nothing is waited for then', async () => {
    const ended = { isOver: () => true };
    expect(await take(ended)).toBe(null);
    const last = told(() => write('a', '1'));
    let looks = 0;
    expect(paths(await take({ ...last, isOver: () => ++looks > 3 }))).toEqual(['checkpoint/a']);
  });

  it('holds together: none is taken of which a file changed while it was kept', async () => {
    await write('.done', '');
    let kept = 0;
    const changing: DiskBlobs = {
      ...blobs,
      putFile: async (path, owner) => {
        const blob = await blobs.putFile(path, owner);
        if (path.endsWith('/a') && ++kept === 1) {
          await write('new', 'b');
          await rename(join(folder, 'new'), join(folder, 'b'));
        }
        return blob;
      },
    };
    const says = told(() => write('a', '1').then(() => write('.done', '!')));
    const files = await take(says, LONG, { blobs: changing });
    expect(paths(files)).toEqual(['checkpoint/.done', 'checkpoint/a', 'checkpoint/b']);
    expect(kept).toBe(2);
  });

  it('leads nowhere out of the directory, and knows an end', async () => {
    await writeFile(join(home, 'secret'), 'x');
    await symlink(join(home, 'secret'), join(folder, 'link'));
    await symlink(home, join(folder, 'way'));
    await write('a', '1');
    expect(paths(await take({ ask: async () => false }))).toEqual(['checkpoint/a']);
    await mkdir(join(folder, 'many'));
    for (let i = 0; i <= limits.checkpointFilesMax; i++) await write(`many/${i}`, '');
    await expect(take({})).rejects.toThrow('at most 1000 files');
  });

  it('has nothing in it that the job was given as a secret', async () => {
    await write('a', '1');
    await write('key', 'secret');
    const isSecret = (file: string): boolean => file === 'checkpoint/key';
    const files = await take({ ask: async () => false }, LONG, { isSecret });
    expect(paths(files)).toEqual(['checkpoint/a']);
  });

  it('that is kept elsewhere is waited for, and left where it is', async () => {
    const elsewhere = join(home, 'shared');
    await mkdir(elsewhere);
    const act = () => writeFile(join(elsewhere, 'a'), '1');
    expect(await take(told(act), LONG, { folder: elsewhere })).toEqual([]);
  });
});
