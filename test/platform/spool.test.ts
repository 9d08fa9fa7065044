import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeFileDurably } from '../../src/platform/disk.ts';
import { openSpool, type Spool } from '../../src/platform/spool.ts';
import { Failed, type Failure } from '../../src/protocol/errors.ts';

const holder = new URL('./spool-holder.ts', import.meta.url).pathname;
const roles = ['head', 'worker'] as const;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
let home: string;
let at: string;
let children: ChildProcess[] = [];
let spools: Spool[] = [];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'swm-spool-'));
  at = join(home, 'spool');
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  for (const spool of spools) spool.close();
  await Promise.all(
    children.map((child) => child.exitCode ?? child.signalCode ?? once(child, 'exit')),
  );
  children = [];
  spools = [];
  await rm(home, { recursive: true });
});

const open = async (path = at): Promise<Spool> => {
  const spool = await openSpool(path, { roles });
  spools.push(spool);
  return spool;
};

const failed = async (work: Promise<unknown>): Promise<Failure> => {
  const error = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(Failed);
  return (error as Failed).failure;
};

const mode = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

/** Starts another process that takes the spool, and gives the line in which it says how it went. */
async function take(): Promise<{ readonly child: ChildProcess; readonly line: string }> {
  const child = spawn(process.execPath, [holder, at], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [line] = await once(createInterface({ input: child.stdout! }), 'line');
  return { child, line };
}

const kill = async (child: ChildProcess): Promise<void> => {
  child.kill('SIGKILL');
  await once(child, 'exit');
};

describe('a new spool', () => {
  it('has its layout, its version, an id, and rights that keep others out', async () => {
    const spool = await open();
    expect((await readdir(at)).toSorted()).toEqual([
      'blobs',
      'installation',
      'job',
      'log',
      'run',
      'secure',
      'version',
    ]);
    expect(await readFile(join(at, 'version'), 'utf8')).toBe('1\n');
    expect(spool.installation).toMatch(UUID);
    const passable = process.geteuid!() === 0 ? 0o711 : 0o700;
    expect([await mode(at), await mode(join(at, 'job'))]).toEqual([passable, passable]);
    for (const name of [
      'secure',
      'secure/cluster',
      'secure/node',
      'secure/users',
      'run',
      'log',
      'blobs',
    ])
      expect([name, await mode(join(at, name))]).toEqual([name, 0o700]);
    for (const name of ['version', 'installation', 'run/lock', 'run/holder.json'])
      expect([name, await mode(join(at, name))]).toEqual([name, 0o600]);
    expect(spool.places.nodeFile).toBe(join(at, 'run', 'node.json'));
    expect(spool.job('0f3a-1')).toBe(join(at, 'job', '0f3a-1'));
  });

  it('lets nobody pass on a head alone, and narrows rights that are too wide', async () => {
    await mkdir(join(at, 'secure'), { recursive: true });
    await chmod(at, 0o777);
    await chmod(join(at, 'secure'), 0o755);
    spools.push(await openSpool(at, { roles: ['head'] }));
    for (const name of ['.', 'secure', 'job']) expect(await mode(join(at, name))).toBe(0o700);
  });

  it('says which folder above it other users cannot pass, where jobs run as such', async () => {
    await chmod(home, 0o700);
    const spool = await open();
    const expected = process.geteuid!() === 0 ? [expect.stringContaining(`chmod o+x ${home}`)] : [];
    expect(spool.warnings).toEqual(expected);
    spool.close();
    await chmod(home, 0o711);
    expect((await open()).warnings).toEqual([]);
  });

  it.each(['', '.', '..', '../x', 'a/b', '-a', 'a\0b', 'a'.repeat(65)])(
    'has no job %j',
    async (id) => {
      const spool = await open();
      expect(() => spool.job(id)).toThrow(/job id/);
    },
  );
});

describe('a spool that was used before', () => {
  it('keeps its id, and drops the news of the former node', async () => {
    const first = await open();
    await writeFile(first.places.nodeFile, '{}');
    first.close();
    const again = await open();
    expect(again.installation).toBe(first.installation);
    expect(await readdir(join(at, 'run'))).toEqual(['holder.json', 'lock']);
  });

  it.each([
    ['2\n', 'wrong_version', /version 2,.* up to 1/],
    ['nonsense', 'corrupt', /"nonsense".* writes 1/],
    ['', 'corrupt', /no version/],
    ['-1', 'corrupt', /no version/],
  ])('is refused with version %j before anything is opened', async (version, code, why) => {
    (await open()).close();
    await writeFile(join(at, 'version'), version);
    await rm(join(at, 'run'), { recursive: true });
    const failure = await failed(open());
    expect(failure.code).toBe(code);
    expect(failure.text).toMatch(why);
    expect(failure.text).toContain(at);
    expect(await readdir(at)).not.toContain('run');
  });

  it('is refused when its id is garbage, and let go', async () => {
    (await open()).close();
    await writeFile(join(at, 'installation'), 'oops');
    expect(await failed(open())).toMatchObject({ code: 'corrupt' });
    await rm(join(at, 'installation'));
    expect((await open()).installation).toMatch(UUID);
  });

  it('is refused where it is no spool at all, and left as it is', async () => {
    await mkdir(at);
    await writeFile(join(at, 'thesis.txt'), 'years of work');
    const failure = await failed(open());
    expect([failure.code, failure.text]).toEqual([
      'refused',
      expect.stringContaining('thesis.txt'),
    ]);
    expect(await readdir(at)).toEqual(['thesis.txt']);
    await writeFile(join(home, 'file'), '');
    expect((await failed(open(join(home, 'file')))).text).toContain(join(home, 'file'));
  });

  it('is one spool by whatever name', async () => {
    const first = await open();
    await symlink(at, join(home, 'alias'));
    expect(first.path).toBe(at);
    expect(await failed(open(join(home, 'alias')))).toMatchObject({ code: 'in_use' });
  });
});

describe('the lock of a spool', () => {
  it('keeps a second one of the same process out', async () => {
    const first = await open();
    const failure = await failed(open());
    expect(failure.code).toBe('in_use');
    expect(failure.text).toContain(`process ${process.pid} since 20`);
    expect((await take()).line).toContain(
      `in_use The spool ${at} is in use by process ${process.pid}`,
    );
    first.close();
    await open();
  });

  it('says who has it, and ends with kill -9', async () => {
    const before = Date.now();
    const { child, line } = await take();
    expect(line).toMatch(/^has /);
    const { text } = await failed(open());
    const [, pid, since] = / process (\d+) since (\S+)\. /.exec(text)!;
    expect(Number(pid)).toBe(child.pid);
    expect(Date.parse(since!)).toBeGreaterThanOrEqual(before);
    await kill(child);
    const spool = await open();
    expect(line).toBe(`has ${spool.installation}`);
  });

  it('does not take an old note for the holder', async () => {
    const first = await open();
    const note = JSON.parse(await readFile(join(at, 'run', 'holder.json'), 'utf8'));
    const lies = [
      { ...note, ticks: note.ticks - 1 },
      { ...note, pid: 2 ** 30 },
    ];
    for (const lie of lies) {
      await writeFile(join(at, 'run', 'holder.json'), JSON.stringify(lie));
      expect((await failed(open())).text).toMatch(/cannot be seen from here/);
    }
    await writeFile(join(at, 'run', 'holder.json'), '{');
    expect((await failed(open())).text).toMatch(/cannot be seen from here/);
    first.close();
  }, 20_000);

  it('goes to one of many that start at once, each time', async () => {
    let last: ChildProcess | undefined;
    for (let round = 0; round < 3; round++) {
      const starters = [1, 2, 3, 4].map(() => take());
      if (last) await kill(last);
      const results = await Promise.all(starters);
      const winners = results.filter(({ line }) => line.startsWith('has '));
      const told = results.filter(({ line }) => line.startsWith('in_use '));
      expect(winners.length + told.length).toBe(4);
      expect(winners.length).toBeLessThanOrEqual(1);
      if (round === 0) expect(winners).toHaveLength(1);
      for (const { line } of told)
        expect(line).toMatch(new RegExp(`process (${winners[0]?.child.pid}|${last?.pid}) `));
      last = winners[0]?.child;
    }
  }, 60_000);
});

describe('a small file', () => {
  it('is written whole, with its rights, over the old one, and nothing beside it', async () => {
    const path = join(home, 'file');
    await writeFileDurably(path, 'one');
    expect([await readFile(path, 'utf8'), await mode(path)]).toEqual(['one', 0o600]);
    const umask = process.umask(0o077);
    await writeFileDurably(path, Buffer.from('two'), 0o644);
    process.umask(umask);
    expect([await readFile(path, 'utf8'), await mode(path)]).toEqual(['two', 0o644]);
    expect(await readdir(home)).toEqual(['file']);
  });

  it('replaces a symbolic link, and does not write through it', async () => {
    await writeFile(join(home, 'target'), 'kept');
    await symlink(join(home, 'target'), join(home, 'link'));
    await writeFileDurably(join(home, 'link'), 'new');
    expect(await readFile(join(home, 'target'), 'utf8')).toBe('kept');
    expect(await readFile(join(home, 'link'), 'utf8')).toBe('new');
  });

  it('fails with the path, and leaves nothing beside it', async () => {
    const path = join(home, 'absent', 'file');
    expect((await failed(writeFileDurably(path, 'x'))).text).toContain(path);
    await mkdir(join(home, 'directory'));
    await failed(writeFileDurably(join(home, 'directory'), 'x'));
    expect(await readdir(home)).toEqual(['directory']);
  });
});
