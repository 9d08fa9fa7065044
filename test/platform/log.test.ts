import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Log, type LogOptions, openLog } from '../../src/platform/log.ts';
import { redact, redactText } from '../../src/platform/redact.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { limits } from '../../src/protocol/limits.ts';

const PEM =
  '-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIN0+SECRETSECRET\n-----END EC PRIVATE KEY-----';
let home: string;
let file: string;
let log: Log | undefined;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'swm-log-'));
  file = join(home, 'swm.log');
});
afterEach(async () => {
  await log?.close();
  await rm(home, { recursive: true });
});

const open = (options: Partial<LogOptions> = {}): Log => {
  log = openLog({ node: 'n1', level: 'debug', file, ...options });
  return log;
};

const written = async (path = file): Promise<Record<string, unknown>[]> => {
  await log?.close();
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line));
};

const screen = (isTTY: boolean) => {
  const shown: string[] = [];
  return { isTTY, shown, write: (text: string) => shown.push(text) };
};

describe('the log', () => {
  it('writes a line of JSON a note, to a file of its owner, after what was there', async () => {
    await writeFile(file, '{"text":"before"}\n', { mode: 0o644 });
    const { note } = open();
    note('info', '/jobs/1a2b', 'started', { pid: 7, level: 'mine', text: 'mine' });
    note('error', '', 'ended');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const [before, first, second] = await written();
    expect(before).toEqual({ text: 'before' });
    expect(first).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      node: 'n1',
      path: '/jobs/1a2b',
      text: 'started',
      fields: { pid: 7, level: 'mine', text: 'mine' },
    });
    expect(second).toMatchObject({ level: 'error', path: '', text: 'ended' });
    expect(second).not.toHaveProperty('fields');
  });

  it('writes what was noted right before the process ended', async () => {
    const script = `
      const { openLog } = await import(${JSON.stringify(process.cwd())} + '/src/platform/log.ts');
      const { note } = openLog({ node: 'n', level: 'info', file: ${JSON.stringify(file)} });
      setImmediate(() => { note('error', '/a', 'last words'); process.exit(0); });`;
    execFileSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 20_000 });
    expect(await written()).toMatchObject([{ text: 'last words' }]);
  });

  it('drops what is below its level', async () => {
    const people = screen(true);
    const { note } = open({ level: 'warn', screen: people });
    for (const level of ['debug', 'info', 'warn', 'error'] as const) note(level, '/a', level);
    expect((await written()).map(({ text }) => text)).toEqual(['warn', 'error']);
    expect(people.shown).toHaveLength(2);
  });

  it('keeps more or less from when it is told to', async () => {
    const people = screen(true);
    log = openLog({ node: 'n1', level: 'warn', file, screen: people });
    log.note('info', '/a', 'before');
    expect([log.level(), log.level('debug')]).toEqual(['warn', 'debug']);
    log.note('debug', '/a', 'after');
    expect(log.level('error')).toBe('error');
    log.note('warn', '/a', 'less');
    expect((await written()).map(({ text }) => text)).toEqual(['after']);
    expect(people.shown).toHaveLength(1);
  });

  it('shows a line for people on a terminal, and JSON elsewhere', async () => {
    const people = screen(true);
    const pipe = screen(false);
    for (const shown of [people, pipe]) {
      log = openLog({ node: 'n1', level: 'debug', screen: shown });
      log.note('warn', '/jobs/1', 'late\n\x1b[2Jfake line', { ms: 5, who: 'ann\u202e', list: [1] });
    }
    expect(people.shown).toHaveLength(1);
    const [line = ''] = people.shown;
    expect(line).toMatch(/^\d\d:\d\d:\d\d /);
    const said = '/jobs/1  late\\u000a\\u001b[2Jfake line  ms=5  who=ann\\u202e  list=[1]\n';
    expect(line.slice(9)).toBe(`\x1b[33mwarn \x1b[0m ${said}`);
    expect(JSON.parse(pipe.shown.join(''))).toMatchObject({ text: 'late\n\x1b[2Jfake line' });
  });

  it('has on the disk what was flushed, and takes notes after its end in silence', async () => {
    const { note, flush, close } = open();
    note('info', '/a', 'last words');
    flush();
    expect(await readFile(file, 'utf8')).toContain('last words');
    await close();
    note('info', '/a', 'beyond');
    flush();
    await close();
    expect(await written()).toHaveLength(1);
  });

  it('begins a new file when one is full, and keeps one old one', async () => {
    await writeFile(file, Buffer.alloc(limits.logFileBytesMax + 1, '\n'));
    await writeFile(`${file}.1`, 'oldest');
    const { note } = open();
    note('info', '/a', 'first of the new');
    note('info', '/a', 'second');
    expect((await written()).map(({ text }) => text)).toEqual(['first of the new', 'second']);
    expect(await readdir(home)).toEqual(['swm.log', 'swm.log.1']);
    expect((await stat(`${file}.1`)).size).toBe(limits.logFileBytesMax + 1);
  });

  it('says where it cannot write, at the opening and later, and goes on', async () => {
    expect(() => open({ file: join(home, 'absent', 'log') })).toThrow(Failed);
    log = undefined;
    const root = JSON.stringify(process.cwd());
    const script = `
      const { openLog } = await import(${root} + '/src/platform/log.ts');
      const shown = [];
      const screen = { isTTY: true, write: (text) => shown.push(text) };
      const log = openLog({ node: 'n', level: 'info', file: ${JSON.stringify(file)}, screen });
      const more = () => log.note('info', '/a', 'x'.repeat(5000));
      for (let n = 0; n < 60; n++) { more(); await new Promise((r) => setTimeout(r, 1)); }
      console.log(JSON.stringify(shown.filter((text) => text.includes('Writing the log'))));
      log.note('error', '/a', 'last');
      process.exit(0);`;
    const args = [
      '-c',
      'ulimit -f 64; exec "$@"',
      'sh',
      process.execPath,
      '--input-type=module',
      '-e',
    ];
    const complaints = JSON.parse(
      execFileSync('/bin/sh', [...args, script], { timeout: 20_000 }).toString(),
    );
    expect(complaints).toHaveLength(1);
    expect(complaints[0]).toContain(file);
  });
});

describe('a secret', () => {
  it('is hidden by the name of its field, in any spelling, at any depth', () => {
    const names = [
      'token',
      'joinToken',
      'join_token',
      'TOKENS',
      'key',
      'privateKey',
      'apikey',
      'api-key',
      'pem',
      'pem_data',
      'keyPem',
      'password',
      'dbPassword',
      'passphrase',
      'authorization',
      'Authorization',
      'client_secret',
      'clientsecret',
      'credentials',
      'set-cookie',
      'accesstoken',
    ];
    for (const name of names) {
      const deep = { a: [{ b: { [name]: 'hunter2', plain: 1 } }] };
      expect([name, redact(deep)]).toEqual([
        name,
        { a: [{ b: { [name]: '[redacted]', plain: 1 } }] },
      ]);
    }
    expect(redact({ token: { inner: 'hunter2' }, password: 12 })).toEqual({
      token: '[redacted]',
      password: '[redacted]',
    });
    const kept = { monkey: 'a', keyboard: 'b', author: 'c', tokenised: 'd', token: null };
    expect(redact(kept)).toEqual(kept);
  });

  it('is hidden by its looks in any text', () => {
    expect(redactText(`got ${PEM} and ${PEM}!`)).toBe('got [PEM] and [PEM]!');
    expect(redactText(`cut off ${PEM.slice(0, 60)}`)).toBe('cut off [PEM]');
    expect(redactText(JSON.stringify({ p: PEM }))).toBe('{"p":"[PEM]"}');
    expect(redactText('Authorization: Bearer abc.def-123==')).toBe(
      'Authorization: Bearer [redacted]',
    );
    expect(redactText('https://ann:hunter2@host/x')).toBe('https://ann:[redacted]@host/x');
    expect(redactText('/join?token=abc123&node=n1')).toBe('/join?token=[redacted]&node=n1');
    expect(redactText('nothing here: 10:20 a@b')).toBe('nothing here: 10:20 a@b');
  });

  it('is in no line that any side of the log writes', async () => {
    const people = screen(true);
    const pipe = screen(false);
    for (const shown of [people, pipe]) {
      const { note, close } = open({ screen: shown });
      const error = Object.assign(new Error(`bad ${PEM}`), { token: 'hunter2', code: 'EX' });
      note('error', '/a', `failed with ${PEM}`, {
        error,
        nested: { map: new Map([['key', 'hunter2']]) },
      });
      note('info', `/x?token=hunter2`, 'path');
      await close();
    }
    const all = people.shown.join('') + pipe.shown.join('') + (await readFile(file, 'utf8'));
    expect(all).not.toMatch(/SECRETSECRET|hunter2/);
    expect(all).toContain('EX');
  });
});

describe('a note', () => {
  it('shows errors with their cause, bytes by their count, dates as such', () => {
    const error = new Failed('disk_full', 'no room');
    error.cause = new TypeError('inner');
    expect(
      redact({ error, at: new Date(0), blob: Buffer.from('abc'), big: 5n, set: new Set([1]) }),
    ).toEqual({
      error: {
        name: 'Failed',
        message: 'no room',
        failure: { code: 'disk_full', text: 'no room', retry: true },
        stack: expect.stringContaining('log.test.ts'),
        cause: { name: 'TypeError', message: 'inner', stack: expect.any(String) },
      },
      at: '1970-01-01T00:00:00.000Z',
      blob: '<3 bytes>',
      big: '5',
      set: [1],
    });
  });

  it('has limits: depth, count, length, cycles', async () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    expect(JSON.stringify(redact(cycle)).length).toBeLessThan(100);
    expect(redact({ list: Array.from({ length: 500 }, (_, n) => n) })).toMatchObject({
      list: expect.arrayContaining([99, '… 400 more']),
    });
    const wide = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`f${n}`, n]));
    expect(Object.keys(redact(wide) as object)).toHaveLength(limits.noteItemsMax + 1);
    expect(redactText('x'.repeat(1e6)).length).toBeLessThan(limits.noteCharsMax + 50);
  });

  it('never throws', async () => {
    const { note } = open();
    const trap = {
      get a(): string {
        throw new Error('trap');
      },
    };
    note('info', '/a', 'trapped', trap);
    note('info', '/a', 'odd', {
      f: () => 1,
      s: Symbol('s'),
      u: undefined,
      n: Number.NaN,
      d: new Date(Number.NaN),
    });
    const [first, second] = await written();
    expect(first).toMatchObject({ fields: { unreadable: 'Error: trap' } });
    expect(second).toMatchObject({ fields: { f: '<function>', s: '<symbol>', n: null, d: null } });
  });
});
