import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chosen } from '../../src/cli/get.ts';
import { openFolder } from '../../src/cli/outputs.ts';
import { Failed } from '../../src/protocol/errors.ts';
import type { File } from '../../src/protocol/model.ts';

const content = Buffer.from('the results of a long night');
const file = (path: string, bytes = content, mode = 0o644): File => ({
  path,
  sha256: createHash('sha256').update(bytes).digest('hex'),
  bytes: bytes.length,
  mode,
});

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'swm-get-'));
  await mkdir(join(root, 'to'));
  await mkdir(join(root, 'elsewhere'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Brings a file into `to`, from a server that tells at which offsets it was asked. */
async function bring(wanted: File, sent = content) {
  const offsets: number[] = [];
  const folder = await openFolder(join(root, 'to'));
  const path = await folder.bring(
    wanted,
    async function* (offset) {
      offsets.push(offset);
      for (let at = offset; at < sent.length; at += 5) yield sent.subarray(at, at + 5);
    },
    () => {},
  );
  return { path, offsets };
}

describe('an output', () => {
  it('arrives with its folders and its rights', async () => {
    const { path, offsets } = await bring(file('a/b/run.sh', content, 0o4755));
    expect(path).toBe(join(root, 'to', 'a', 'b', 'run.sh'));
    expect(await readFile(path)).toEqual(content);
    expect((await lstat(path)).mode & 0o7777).toBe(0o755 & ~process.umask());
    expect(offsets).toEqual([0]);
  });

  it('is not fetched again, unless it is another', async () => {
    await bring(file('x'));
    expect((await bring(file('x'))).offsets).toEqual([]);
    const other = Buffer.from('THE RESULTS OF A LONG NIGHT');
    expect((await bring(file('x', other), other)).offsets).toEqual([0]);
    expect(await readFile(join(root, 'to', 'x'))).toEqual(other);
  });

  it('goes on where an earlier try was broken off', async () => {
    const wanted = file('x');
    const part = join(root, 'to', `.x.${wanted.sha256.slice(0, 8)}.swm-part`);
    await writeFile(part, content.subarray(0, 11));
    expect((await bring(wanted)).offsets).toEqual([11]);
    expect(await readFile(join(root, 'to', 'x'))).toEqual(content);
    await expect(lstat(part)).rejects.toThrow(/ENOENT/);
  });

  it('that arrived otherwise is thrown away, and what was there stays', async () => {
    await writeFile(join(root, 'to', 'x'), 'old');
    const evil = Buffer.from('the results of another one!');
    await expect(bring(file('x'), evil)).rejects.toMatchObject({
      failure: { code: 'input_corrupt' },
    });
    await expect(bring(file('x'), content.subarray(0, 9))).rejects.toThrow(/otherwise/);
    expect(await readFile(join(root, 'to', 'x'), 'utf8')).toBe('old');
    expect((await bring(file('x'))).offsets).toEqual([0]);
  });

  it.each(['../x', '/etc/x', 'a/../../x', '', '.', '..', 'a/..', 'x\0y'])(
    'whose path is %j is refused',
    async (path) => {
      await expect(bring(file(path))).rejects.toMatchObject({ failure: { code: 'refused' } });
      await expect(lstat(join(root, 'x'))).rejects.toThrow(/ENOENT/);
    },
  );

  it('follows no link out of the folder, and replaces one in it', async () => {
    await symlink('../elsewhere', join(root, 'to', 'out'));
    await expect(bring(file('out/x'))).rejects.toThrow(/leads out of the folder, by a link/);
    await expect(lstat(join(root, 'elsewhere', 'x'))).rejects.toThrow(/ENOENT/);
    await writeFile(join(root, 'elsewhere', 'target'), 'mine');
    await symlink('../elsewhere/target', join(root, 'to', 'x'));
    await bring(file('x'));
    expect((await lstat(join(root, 'to', 'x'))).isSymbolicLink()).toBe(false);
    expect(await readFile(join(root, 'elsewhere', 'target'), 'utf8')).toBe('mine');
  });

  it('is not written through a link that waits in the place of its part', async () => {
    const wanted = file('x');
    await writeFile(join(root, 'elsewhere', 'target'), '');
    const part = join(root, 'to', `.x.${wanted.sha256.slice(0, 8)}.swm-part`);
    await symlink('../elsewhere/target', part);
    await bring(wanted);
    expect(await readFile(join(root, 'elsewhere', 'target'), 'utf8')).toBe('');
    expect(await readFile(join(root, 'to', 'x'))).toEqual(content);
  });

  it('may be empty, and is not put over a folder', async () => {
    const nothing = Buffer.alloc(0);
    await bring(file('empty', nothing), nothing);
    expect((await lstat(join(root, 'to', 'empty'))).size).toBe(0);
    await mkdir(join(root, 'to', 'x'));
    await expect(bring(file('x'))).rejects.toThrow(/is a folder/);
    await chmod(join(root, 'to'), 0o700);
  });
});

describe('the outputs that are named', () => {
  const outputs = ['a', 'd/b', 'd/e/c', 'dd'].map((path) => file(path));
  const named = (...paths: string[]) => chosen(outputs, paths, ['late']).map(({ path }) => path);

  it('are those, or all that are in a folder, each once', () => {
    expect(named()).toEqual(['a', 'd/b', 'd/e/c', 'dd']);
    expect(named('./a', 'd/', 'd/b')).toEqual(['a', 'd/b', 'd/e/c']);
  });

  it('are told apart from those that are not there', () => {
    expect(() => named('b')).toThrow(Failed);
    expect(() => named('b')).toThrow('b: it is no output of the job');
    expect(() => named('late')).toThrow('late: the job did not make it');
  });
});
