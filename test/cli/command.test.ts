import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { grammarOf } from '../../src/cli/completion.ts';
import { exitOf, exits } from '../../src/cli/exits.ts';
import { programOf } from '../../src/cli/program.ts';
import { verbs } from '../../src/cli/verbs.ts';

const main = join(import.meta.dirname, '../../src/cli/main.ts');
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'swm-cli-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type Ended = { readonly code: number | null; readonly out: string; readonly err: string };

/** Runs the command as users do; `input` is its stdin. */
function swm(args: readonly string[], input = ''): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, HOME: folder, SWM_SPOOL: '', NO_COLOR: '' };
    const child = spawn(process.execPath, [main, ...args], { cwd: folder, env });
    let out = '';
    let err = '';
    child.stdout.on('data', (text: Buffer) => {
      out += text;
    });
    child.stderr.on('data', (text: Buffer) => {
      err += text;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out, err }));
    child.stdin.end(input);
  });
}

describe('the command', () => {
  it('prints its version, and its help on request', async () => {
    expect(await swm(['--version'])).toEqual({ code: 0, out: '0.1.0\n', err: '' });
    const { code, out } = await swm(['help', 'submit']);
    expect(code).toBe(0);
    expect(out).toContain('--wait');
    expect(out).toContain('--spool');
  });

  it('knows what was meant', async () => {
    const { code, out, err } = await swm(['submt']);
    expect([code, out]).toEqual([exits.usage, '']);
    expect(err).toContain('Did you mean submit?');
    expect((await swm(['jobs', '--jsn'])).err).toContain('Did you mean --json?');
    expect((await swm([])).code).toBe(exits.usage);
  });

  it('finds the errors of a script where they stand, without a node', async () => {
    await writeFile(join(folder, 'bad.sh'), '#!/bin/sh\n#SWM nmae x\n  #SWM gpus many\n');
    const { code, out, err } = await swm(['submit', 'bad.sh']);
    expect([code, out]).toEqual([exits.usage, '']);
    expect(err).toMatch(/^bad\.sh:2:6: .*did you mean `name`\?\nbad\.sh:3:13: /);
    const piped = await swm(['submit', '--json', '-'], '#SWM gpus many');
    expect(piped.code).toBe(exits.usage);
    expect(piped.err).toMatch(/^stdin:1:11: /);
    expect(JSON.parse(piped.out)).toMatchObject({ error: { code: 'malformed' } });
    expect((await swm(['submit', 'gone.sh'])).err).toContain('gone.sh: there is no such file');
  });

  it('shows what a script asks for, and sends nothing', async () => {
    await writeFile(join(folder, 'in.txt'), 'x');
    const script = '#!/bin/sh\n#SWM input-files in.txt\n#SWM name a\n';
    const { code, out } = await swm(['submit', '--dry-run', '-n', 'b', '-e', 'K=v', '-'], script);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      spec: { name: 'b', env: { K: 'v' }, inputFiles: ['in.txt'] },
      inputs: [{ path: 'in.txt', bytes: 1 }],
    });
  });

  it('tells which options do not fit together, or name nothing', async () => {
    const key = ['--url', 'localhost:1', '--cert', 'c', '--key', 'k', '--ca', 'a'];
    const { code, err } = await swm(['jobs', ...key]);
    expect([code, err]).toEqual([exits.usage, expect.stringContaining('there is none')]);
    expect((await swm(['jobs', '--cert', 'c'])).err).toContain('go together');
    expect((await swm(['jobs', '--state', 'X'])).err).toContain('is none of Q W T R F E C');
  });

  it('has verbs of two words, and says which there are', async () => {
    const { code, err } = await swm(['head']);
    expect(code).toBe(exits.usage);
    for (const verb of ['list', 'add', 'remove']) expect(err).toContain(verb);
    expect((await swm(['head', 'lst'])).err).toContain('Did you mean list?');
    const vouched = await swm(['--json', 'node', 'gone', 'w1']);
    expect(vouched.code).toBe(exits.usage);
    expect(JSON.parse(vouched.out)).toMatchObject({ error: { code: 'malformed' } });
    expect((await swm(['head', 'add', '--help'])).out).toContain('--output');
  });

  it.each(['bash', 'zsh', 'fish'])('completes in %s', async (shell) => {
    const { code, out } = await swm(['completion', shell]);
    expect(code).toBe(0);
    for (const { name } of verbs) for (const word of name.split(' ')) expect(out).toContain(word);
    expect(out).toContain(shell === 'fish' ? '-l wait' : '--wait');
  });

  it('gives bash what bash can read', async () => {
    const { out } = await swm(['completion', 'bash']);
    const script = `${out}\nCOMP_WORDS=(swm sub); COMP_CWORD=1; _swm; echo "\${COMPREPLY[@]}"
COMP_WORDS=(swm submit --wa); COMP_CWORD=2; _swm; echo "\${COMPREPLY[@]}"
COMP_WORDS=(swm head ''); COMP_CWORD=2; _swm; echo "\${COMPREPLY[@]}"
COMP_WORDS=(swm head add --ou); COMP_CWORD=3; _swm; echo "\${COMPREPLY[@]}"`;
    const shell = spawn('bash', ['-c', script]);
    let said = '';
    for await (const part of shell.stdout) said += String(part);
    expect(said).toBe('submit\n--wait\nlist add remove\n--output\n');
  });

  it('is quiet when nobody reads it any more', async () => {
    const line = `"${process.execPath}" "${main}" help | true; echo "\${PIPESTATUS[0]}"`;
    const shell = spawn('bash', ['-c', line]);
    let said = '';
    for await (const part of shell.stdout) said += String(part);
    let err = '';
    for await (const part of shell.stderr) err += String(part);
    expect([said, err]).toEqual(['0\n', '']);
  });
});

describe('the parts of the command', () => {
  it('have an exit code for every failure', () => {
    expect(exitOf('bad_script')).toBe(2);
    expect(exitOf('unreachable')).toBe(3);
    expect(exitOf('forbidden')).toBe(4);
    expect(exitOf('unauthorized')).toBe(4);
    expect(exitOf('key_reused')).toBe(4);
    expect(exitOf('not_found')).toBe(5);
  });

  it('load their verbs when they are called, and every verb is there', async () => {
    for (const { name, load } of verbs) expect((await load()).run, name).toBeTypeOf('function');
    const { options } = grammarOf(programOf());
    expect([...options.keys()].toSorted()).toEqual(
      ['', ...verbs.map(({ name }) => name)].toSorted(),
    );
  });
});
