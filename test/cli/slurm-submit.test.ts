import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandNames } from '../../src/cli/slurm/commands.ts';
import { run as shim } from '../../src/cli/slurm-shim.ts';
import { run as plainSubmit } from '../../src/cli/submit.ts';
import { parseScript } from '../../src/protocol/jobscript/jobscript.ts';
import { staged } from './call.ts';
import { called, id } from './slurm-jobs.ts';

describe('sbatch', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'swm-slurm-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const submit = async (script: string, ...words: string[]) => {
    const file = join(folder, 'job.sh');
    await writeFile(file, script);
    const call = await called(['sbatch', ...words, file], { 'job.submit': { id: id(4) } });
    const body = call.asked.find(([name]) => name === 'job.submit')?.[1] as { script: string };
    const parsed = parseScript(body?.script ?? '', 'job.sh');
    if ('errors' in parsed) throw new Error(JSON.stringify(parsed.errors));
    return { ...call, spec: parsed.spec, script: body?.script };
  };

  it('says which job it is', async () => {
    expect((await submit('true\n')).out).toEqual(['Submitted batch job 0197f3a4']);
    expect((await submit('true\n', '--parsable')).out).toEqual(['0197f3a4']);
    expect((await submit('true\n', '-Q')).out).toEqual([]);
    expect((await submit('true\n')).spec.slurm).toBe(true);
  });

  it('takes the command line before the script, and both together', async () => {
    const script = '#!/bin/sh\n#SBATCH -c 3 -t 5 --export=A=1,B=2\n#SWM name one\ntrue\n';
    const {
      spec,
      notes,
      script: sent,
    } = await submit(
      script,
      ...['-n', '4', '-J', "it's two", "--export=A=x'y,PATH", '-d', 'afterok:0197f3a1'],
    );
    expect(spec).toMatchObject({
      name: "it's two",
      cpus: 12,
      walltimeMs: 300_000,
      after: [{ when: 'after-ok', jobs: ['0197f3a1'] }],
      env: {
        A: "x'y",
        B: '2',
        PATH: process.env['PATH'],
        SLURM_NTASKS: '4',
        SLURM_CPUS_PER_TASK: '3',
      },
    });
    expect(notes).toEqual([]);
    expect(sent?.startsWith('#!/bin/sh\n#SBATCH -c 3')).toBe(true);
    expect(sent?.split('\n')[3]).toBe('true');
  });

  it('tells what has no equal, of both', async () => {
    const { notes } = await submit('#SBATCH --qos=a\n#SBATCH -t 5\n#SWM time 9\n', '--mail-user=b');
    expect(notes).toEqual([
      expect.stringMatching(/job\.sh:1:9: --qos has no equal; use --priority$/),
      expect.stringMatching(/job\.sh:2:9: --time is left out: `time` is given, at .*job\.sh:3:6/),
      'sbatch: --mail-user has no equal; use `notify`',
    ]);
  });

  it.each([
    [['--foo'], 'sbatch: --foo is not supported; there are -A --account, '],
    [['-t', 'soon'], 'sbatch: --time wants a time as M, M:S, '],
    [['-J', 'a\n#SWM nodes 9'], 'more than one line'],
    [['--wrap=true'], 'sbatch: --wrap is the script'],
    [['job.sh'], 'sbatch: a script gets no arguments'],
  ])('refuses %j', async (words, text) => {
    await expect(submit('true\n', ...words)).rejects.toThrow(text);
  });

  it('is not needed: `swm submit` reads such a script as well', async () => {
    const file = join(folder, 'plain.sh');
    await writeFile(file, '#!/bin/sh\n#SBATCH -t 5 --mail-user=a@b.c\n');
    const call = staged({ args: [file], options: { dryRun: true } });
    expect(await plainSubmit(call)).toBe(0);
    expect(call.notes[0]).toBe(`${file}:2:14: --mail-user has no equal; use \`notify\``);
    expect(JSON.parse(call.out[0]!).spec).toMatchObject({ walltimeMs: 300_000, slurm: true });
  });

  it('sends nothing where it is only to be tested', async () => {
    const call = await called(['sbatch', '--test-only', '--wrap', 'true']);
    expect([call.code, call.asked]).toEqual([0, []]);
    expect(call.notes).toEqual(['sbatch: wrap is well-formed; nothing was sent']);
  });
});

describe('swm slurm-shim', () => {
  it('writes a command for each, and over none', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'swm-shim-'));
    try {
      const directory = join(folder, 'bin');
      expect(await shim(staged({ args: [directory] }))).toBe(0);
      expect(commandNames).toHaveLength(7);
      for (const name of commandNames) {
        expect((await stat(join(directory, name))).mode & 0o777).toBe(0o755);
        expect(await readFile(join(directory, name), 'utf8')).toMatch(
          new RegExp(`^#!/bin/sh\n.*\nexec '.*/bin/swm' slurm ${name} -- "\\$@"\n$`),
        );
      }
      await expect(shim(staged({ args: [directory] }))).rejects.toThrow('EEXIST');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('knows no others', async () => {
    await expect(called(['salloc'])).rejects.toThrow("swm: salloc is no command of Slurm's here");
  });
});
