import { spawn } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cleanup, dev, folder, forAll, swm, until } from './lab.ts';

const SWM = join(import.meta.dirname, '..', '..', 'bin', 'swm');

const lab = forAll(async () => {
  const home = await folder();
  return { home, node: await dev(join(home, 'spool')) };
});

describe('swm shell', { timeout: 60_000 }, () => {
  it('runs lines that are piped to it, and tells whether all went well', async () => {
    const { node } = lab();
    const id = await node.submit('#!/bin/sh\nexit 0\n');
    const shell = (input: string, ...args: string[]) =>
      swm(['shell', '--spool', node.spool, ...args], { input });
    const good = await shell(
      `const rows = await tree()\nrows.some((row) => row.path === '/scheduler')\n` +
        `const kept = await store.get(\n  '/jobs/${id}')\nkept.script ?? kept.spec.name\n` +
        `(await raft()).role\n(await actor('/group')).phase\n` +
        `(await job.show({ id: '${id}' })).job.id`,
    );
    expect([good.code, good.stderr]).toEqual([0, '']);
    const [hasScheduler, , role, phase, shown] = good.stdout.trim().split('\n');
    expect([hasScheduler, role, phase, shown]).toEqual([
      'true',
      "'leader'",
      expect.any(String),
      `'${id}'`,
    ]);
    const bad = await shell(`job.cancel({ id: '${id}' })\n1 + 1\n`);
    expect([bad.code, bad.stdout, bad.stderr]).toEqual([
      1,
      '2\n',
      expect.stringContaining('without --write'),
    ]);
    const audit = readFileSync(join(node.spool, 'log', 'audit.jsonl'), 'utf8');
    expect(audit).toContain('"what":"shell","of":"1 + 1","result":"begun"');
  });

  it('is a REPL on a terminal: lines of several, completion, history, and Ctrl-C', async () => {
    const { home, node } = lab();
    const line = `${SWM} shell --spool ${node.spool}`;
    const env = { ...process.env, HOME: home, TERM: 'xterm' };
    const child = spawn('script', ['-qec', line, '/dev/null'], { env });
    cleanup(async () => void child.kill('SIGKILL'));
    const ended = new Promise((resolve) => child.on('close', resolve));
    let out = '';
    child.stdout.on('data', (part) => (out += part));
    const type = async (text: string, shown: RegExp): Promise<void> => {
      out = '';
      child.stdin.write(text);
      await until(() => shown.test(out));
    };
    await type('', /nothing can be changed[\s\S]*> /);
    await type('Math.max(\n4,\n5)\n', /\n5\r[\s\S]*> /);
    await type('new Promise(() => {})\n', /\{\}\)[\s\S]*\n/);
    await type('\x03', /interrupted[\s\S]*> /);
    await type("actor('/sweep\t", /\/sweeper/);
    await type("').then((one) => one.family)\n", /'sweeper'\r[\s\S]*> /);
    child.stdin.write('.exit\n');
    expect(await ended).toBe(0);
    const history = join(home, '.swm', 'shell_history');
    expect(readFileSync(history, 'utf8')).toContain('one.family');
    expect(statSync(history).mode & 0o777).toBe(0o600);
  });

  it('is refused to users who are no operators', async () => {
    const { home, node } = lab();
    const invited = join(home, 'eve.json');
    expect((await node.run('user', 'add', 'eve', '-o', invited)).code).toBe(0);
    const keys = join(home, 'eve');
    expect((await swm(['cert', 'enrol', invited, '--to', keys])).code).toBe(0);
    const { url } = JSON.parse(readFileSync(join(node.spool, 'run', 'node.json'), 'utf8'));
    const [cert, key, ca] = ['cert.pem', 'key.pem', 'ca-chain-cert.pem'].map((file) =>
      join(keys, file),
    ) as [string, string, string];
    const as = ['--url', url as string, '--cert', cert, '--key', key, '--ca', ca];
    const refused = await swm(['shell', ...as], { input: 'tree()\n' });
    expect([refused.code, refused.stdout]).toEqual([4, '']);
    expect(refused.stderr).toContain('only operators may look inside a node');
  });
});
