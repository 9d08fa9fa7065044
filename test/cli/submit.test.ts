import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Usage } from '../../src/cli/exits.ts';
import { findInputs } from '../../src/cli/inputs.ts';
import { flagsOf } from '../../src/cli/running.ts';
import { envOf, overridden } from '../../src/cli/script-edit.ts';
import { exitCodeOf, isSettled } from '../../src/cli/waiting.ts';
import { parseScript } from '../../src/protocol/jobscript/jobscript.ts';
import type { JobRow } from '../../src/protocol/model.ts';

const specOf = (script: string) => {
  const parsed = parseScript(script, 'job.sh');
  if ('errors' in parsed) throw new Error(JSON.stringify(parsed.errors));
  return parsed.spec;
};
const edit = (script: string, name: string | undefined, env: Record<string, string>) =>
  overridden(script, { name, env }, specOf(script).env);

describe('what the command line puts in the place of the script’s words', () => {
  const script = '#!/bin/sh\n#SWM name old\n#SWM env A=1 B=2\n#SWM env C=3\necho $LINENO\n';

  it('is read back as it was meant', () => {
    const env = { B: "it's", D: 'two words $HOME `x` "y" \\ #z' };
    const edited = edit(script, 'new name', env);
    expect(specOf(edited).name).toBe('new name');
    expect(specOf(edited).env).toEqual({ A: '1', C: '3', ...env });
  });

  it('moves no other line', () => {
    const edited = edit(script, 'new', { A: '9' });
    expect(edited.split('\n')).toEqual([
      '#!/bin/sh',
      '#SWM name new',
      "#SWM env A='9' B='2' C='3'",
      '#',
      'echo $LINENO',
      '',
    ]);
    expect(edit('#!/bin/sh\ntrue', 'new', {})).toBe('#!/bin/sh\ntrue\n#SWM name new\n');
    expect(edit(script, undefined, {})).toBe(script);
  });

  it('is refused when no script could say it', () => {
    expect(() => edit(script, 'x\nrm -rf /', {})).toThrow(Usage);
    expect(() => edit(script, 'x'.repeat(65), {})).toThrow(/64/);
    expect(() => edit(script, undefined, { A: 'one\ntwo' })).toThrow(Usage);
  });

  it('takes variables as they come, or from our own', () => {
    expect(envOf(['A=1', 'B=x=y', 'HOME'], { HOME: '/root' })).toEqual({
      A: '1',
      B: 'x=y',
      HOME: '/root',
    });
    expect(() => envOf(['1A=2'], {})).toThrow(/not NAME=VALUE/);
    expect(() => envOf(['GONE'], {})).toThrow(/not set here/);
  });

  it('has flags of the configuration as well', () => {
    expect(flagsOf(['mesh.port=0', 'a=b=c'])).toEqual({ 'mesh.port': '0', a: 'b=c' });
    expect(() => flagsOf(['nothing'])).toThrow(Usage);
  });
});

describe('input files', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'swm-inputs-'));
    await mkdir(join(folder, 'work', 'data', 'deep'), { recursive: true });
    await writeFile(join(folder, 'work', 'a.txt'), 'alpha', { mode: 0o640 });
    await writeFile(join(folder, 'work', 'data', 'b.sh'), 'beta', { mode: 0o755 });
    await writeFile(join(folder, 'work', 'data', 'deep', 'c'), '');
    await writeFile(join(folder, 'outside.txt'), 'outside');
    await writeFile(join(folder, 'a.txt'), 'another');
    await symlink('a.txt', join(folder, 'work', 'link.txt'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const find = async (...paths: string[]) =>
    (await findInputs(paths, join(folder, 'work'))).map(({ file }) => file);

  it('keep their paths, and come with their sums and rights', async () => {
    const sha256 = createHash('sha256').update('alpha').digest('hex');
    expect(await find('./a.txt')).toEqual([{ path: 'a.txt', sha256, bytes: 5, mode: 0o640 }]);
    expect((await find('data/../data/b.sh'))[0]).toMatchObject({ path: 'data/b.sh', mode: 0o755 });
    expect((await find('link.txt'))[0]).toMatchObject({ path: 'link.txt', sha256 });
  });

  it('from elsewhere come under their names', async () => {
    const paths = (await find('../outside.txt')).map(({ path }) => path);
    expect(paths).toEqual(['outside.txt']);
    expect((await find(join(folder, 'outside.txt'))).map(({ path }) => path)).toEqual(paths);
  });

  it('of a folder are all brought', async () => {
    expect((await find('data')).map(({ path }) => path)).toEqual(['data/b.sh', 'data/deep/c']);
  });

  it('of a pattern are those that match, each where it lies', async () => {
    const paths = async (...patterns: string[]) => (await find(...patterns)).map((f) => f.path);
    expect(await paths('*.txt')).toEqual(['a.txt', 'link.txt']);
    expect(await paths('**/[bc]*', 'd*')).toEqual(['data/b.sh', 'data/deep/c']);
    expect(await paths('../out*.txt')).toEqual(['outside.txt']);
    expect(await paths(join(folder, 'work', 'd*', '*.sh'))).toEqual(['b.sh']);
    await expect(find('*.gone')).rejects.toThrow('input-files: *.gone matches no file');
  });

  it('named twice come once, and two of one name are refused', async () => {
    expect(await find('a.txt', './a.txt')).toHaveLength(1);
    await expect(find('a.txt', '../a.txt')).rejects.toThrow(/would both be a\.txt/);
  });

  it('that are not there are told by the name they were given', async () => {
    await expect(find('gone.txt')).rejects.toThrow('input-files: gone.txt: there is no such file');
    await expect(find('/dev/null')).rejects.toThrow('neither a file nor a folder');
  });
});

describe('the exit code of a job', () => {
  const row = (fields: Partial<JobRow>) =>
    ({ state: 'F', phase: 'ended', exitcode: 0, signal: 0, ...fields }) as JobRow;

  it.each([
    [row({}), 0],
    [row({ exitcode: 3 }), 3],
    [row({ exitcode: 256 + 7 }), 7],
    [row({ state: 'E', signal: 9 }), 137],
    [row({ state: 'C', signal: 15 }), 143],
    [row({ state: 'E' }), 125],
    [row({ state: 'C' }), 125],
    [row({ state: 'E', exitcode: 4 }), 4],
  ])('%o', (job, code) => {
    expect(exitCodeOf(job)).toBe(code);
  });

  it('is known when its results are there, and not before', () => {
    expect(isSettled(row({ phase: 'releasing' }))).toBe(true);
    expect(isSettled(row({ phase: 'ended', state: 'C' }))).toBe(true);
    expect(isSettled(row({ phase: 'collecting', state: 'T' }))).toBe(false);
    // One that is released in order to be tried again.
    expect(isSettled(row({ phase: 'releasing', state: 'W' }))).toBe(false);
  });
});
