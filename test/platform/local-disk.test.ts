import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findInputs } from '../../src/platform/input-files.ts';
import { type LocalDisk, openLocalDisk } from '../../src/platform/process/local-disk.ts';
import { limits } from '../../src/protocol/limits.ts';

let folder = '';
const opened: LocalDisk[] = [];
const never = new AbortController().signal;
const open = async (account?: Parameters<typeof openLocalDisk>[0], signal = never) => {
  const disk = await openLocalDisk(account, signal);
  opened.push(disk);
  return disk;
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'swm-disk-'));
  await writeFile(join(folder, 'a\nb'), 'odd');
  await writeFile(join(folder, 'empty'), '', { mode: 0o640 });
  await mkdir(join(folder, 'sub'));
  await symlink('..', join(folder, 'sub', 'up'));
  await symlink('..', join(folder, 'sub', 'again'));
});
afterEach(() => {
  for (const disk of opened.splice(0)) disk.close();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function textOf(disk: LocalDisk, path: string): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of disk.read(path)) parts.push(part);
  return Buffer.concat(parts).toString();
}

describe('a disk that is read by a process of an account', () => {
  it('has files and folders, whatever their names are', async () => {
    const disk = await open();
    expect(disk.directory).toBe(userInfo().homedir);
    const found = (await disk.list(folder)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    expect(found).toEqual([
      { name: 'a\nb', isFolder: false },
      { name: 'empty', isFolder: false },
      { name: 'sub', isFolder: true },
    ]);
    expect(await textOf(disk, join(folder, 'a\nb'))).toBe('odd');
    expect(await textOf(disk, join(folder, 'empty'))).toBe('');
    expect(await disk.summed(join(folder, 'empty'))).toMatchObject({ bytes: 0, mode: 0o640 });
    expect(await disk.kindOf(join(folder, 'sub', 'up'))).toBe('folder');
    expect(await disk.kindOf('/dev/null')).toBe('other');
  });

  it('goes on after what it cannot read', async () => {
    const disk = await open();
    await expect(textOf(disk, '/dev/null')).rejects.toThrow('it is no file, as the account');
    await expect(disk.list(join(folder, 'empty'))).rejects.toThrow('Not a directory');
    await expect(disk.kindOf(join(folder, 'a\0b'))).rejects.toThrow('it is no path');
    expect(await textOf(disk, join(folder, 'a\nb'))).toBe('odd');
  });

  it('is not walked round and round', async () => {
    const disk = await open();
    const error = await findInputs([folder], disk).catch((why: Error) => why);
    expect(String(error)).toMatch(/holds more than|too many folders|Too many levels/);
  });

  it('ends with its request, and says so', async () => {
    const gone = new AbortController();
    const disk = await open(undefined, gone.signal);
    gone.abort();
    await expect(disk.kindOf(folder)).rejects.toThrow('what reads for the account has ended');
  });

  it('is read for so many at once, and for others when they are done', async () => {
    for (let at = 0; at < limits.localReadersMax; at++) await open();
    await expect(open()).rejects.toMatchObject({ failure: { code: 'busy', retry: true } });
    for (const disk of opened.splice(0)) disk.close();
    await expect
      .poll(() =>
        open().then(
          () => 'open',
          () => 'busy',
        ),
      )
      .toBe('open');
  });

  it.runIf(process.getuid?.() === 0)('belongs to that account alone, groups and all', async () => {
    const numbers = (flag: string) => execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' });
    const [uid, gid] = [Number(numbers('-u')), Number(numbers('-g'))];
    const disk = await open({ name: 'nobody', uid, gid, groups: [gid] });
    const status = await textOf(disk, '/proc/self/status');
    expect(/^Uid:\t(.*)$/m.exec(status)?.[1]).toBe(Array(4).fill(uid).join('\t'));
    expect(/^Gid:\t(.*)$/m.exec(status)?.[1]).toBe(Array(4).fill(gid).join('\t'));
    expect(/^Groups:\t(.*)$/m.exec(status)?.[1]?.trim()).toBe(String(gid));
    expect(/^CapEff:\t(.*)$/m.exec(status)?.[1]).toMatch(/^0+$/);
    await expect(textOf(disk, '/etc/shadow')).rejects.toThrow('Permission denied, as the account');
  });
});
