import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatScriptError, parseScript } from '../../../src/protocol/jobscript/jobscript.ts';
import { slurmOptions } from '../../../src/protocol/jobscript/slurm-options.ts';
import { emptySpec, type JobSpec } from '../../../src/protocol/jobscript/spec.ts';

type Found = { readonly asked: Partial<JobSpec>; readonly told: readonly string[] };

/** What a script asks for besides `slurm`, and what is told of it. */
function read(script: string): Found {
  const parsed = parseScript(script, 'job.sh');
  const shown = ('errors' in parsed ? parsed.errors : (parsed.warnings ?? [])).map((one) =>
    formatScriptError('job.sh', one),
  );
  if ('errors' in parsed) return { asked: {}, told: shown.map((text) => `error ${text}`) };
  const fields = Object.entries(parsed.spec) as [keyof JobSpec, unknown][];
  const changed = fields.filter(
    ([name, value]) =>
      name !== 'slurm' && JSON.stringify(value) !== JSON.stringify(emptySpec[name]),
  );
  return { asked: Object.fromEntries(changed), told: shown };
}

const ofLine = (options: string): Found => read(`#!/bin/sh\n#SBATCH ${options}\n`);
const MiB = 1 << 20;
const awaits = (when: JobSpec['after'][number]['when'], ...jobs: string[]) => ({ when, jobs });

describe('an option of Slurm’s that has an equal', () => {
  it.each<[string, Partial<JobSpec>]>([
    ['--job-name=one', { name: 'one' }],
    ['-J one', { name: 'one' }],
    ['-Jone', { name: 'one' }],
    ['--job-name "two words"', { name: 'two words' }],
    ['-t 90', { walltimeMs: 90 * 60_000 }],
    ['-t 1:30', { walltimeMs: 90_000 }],
    ['-t 1:30:05', { walltimeMs: 5_405_000 }],
    ['-t 2-3', { walltimeMs: 51 * 3_600_000 }],
    ['-t 2-3:04', { walltimeMs: (51 * 60 + 4) * 60_000 }],
    ['-t 1-0:0:1', { walltimeMs: 86_401_000 }],
    ['-t UNLIMITED', {}],
    ['-N3', { nodes: 3, ranks: 'main' }],
    ['-N 1', {}],
    ['-n 4', { cpus: 4, env: { SLURM_NTASKS: '4' } }],
    ['-n4 -c 3', { cpus: 12, env: { SLURM_NTASKS: '4', SLURM_CPUS_PER_TASK: '3' } }],
    ['-n 5 -N 2', { cpus: 3, nodes: 2, ranks: 'main', env: { SLURM_NTASKS: '5' } }],
    [
      '-n 8 --ntasks-per-node=4',
      {
        cpus: 4,
        nodes: 2,
        ranks: 'main',
        env: { SLURM_NTASKS: '8', SLURM_NTASKS_PER_NODE: '4' },
      },
    ],
    ['--mem=4000', { memoryBytes: 4000 * MiB }],
    ['--mem=4G', { memoryBytes: 4096 * MiB }],
    ['--mem=2048K', { memoryBytes: 2 * MiB }],
    [
      '--mem-per-cpu=100 -c 4',
      { cpus: 4, memoryBytes: 400 * MiB, env: { SLURM_CPUS_PER_TASK: '4' } },
    ],
    ['--mem-per-gpu=1G -G 2', { gpus: 2, memoryBytes: 2048 * MiB }],
    ['--gres=gpu', { gpus: 1 }],
    ['--gres=gpu:3', { gpus: 3 }],
    ['--gres=gpu:a100:2', { gpus: 2, gpuKind: 'a100' }],
    [
      '--gpus-per-task=v100:1 -n 3',
      { cpus: 3, gpus: 3, gpuKind: 'v100', env: { SLURM_NTASKS: '3' } },
    ],
    ['-C ib&big,ssd', { constraint: ['ib', 'big', 'ssd'] }],
    ['--exclusive', { exclusive: true }],
    ['--gpus=5 -N 2', { gpus: 3, nodes: 2, ranks: 'main' }],
    ['--array=0-9:3%2', { array: { first: 0, last: 9, step: 3, limit: 2 } }],
    ['-a 7', { array: { first: 7, last: 7, step: 1, limit: 0 } }],
    ['-a 2,4,6%1', { array: { first: 2, last: 6, step: 2, limit: 1 } }],
    ['-d afterok:0197f3a2:0197F3A3', { after: [awaits('after-ok', '0197f3a2', '0197f3a3')] }],
    [
      '-d after:0197f3a2,afternotok:0197f3a3',
      { after: [awaits('after', '0197f3a2'), awaits('after-not-ok', '0197f3a3')] },
    ],
    ['-d afterany:0197f3a2', { after: [awaits('after-any', '0197f3a2')] }],
    ['-o out/%x-%j.txt -J a/b', { name: 'a/b', stdout: 'out/a-b-%j.txt' }],
    ['-e 100%%.txt', { stderr: '100%.txt' }],
    ['-p long', { queue: 'long' }],
    ['-p swm', {}],
    ['-A lab', { account: 'lab' }],
    ['--begin=now', {}],
    ['-D /data', { workdir: '/data' }],
    ["--export=NONE,A='x y',B=", { env: { A: 'x y', B: '' } }],
    ['--requeue', { onNodeLoss: 'requeue' }],
    ['--comment="it\'s $HOME"', { comment: "it's $HOME" }],
    ['--nice', { priority: -100 }],
    ['--nice=-5', { priority: 5 }],
    ['--priority=7', { priority: 7 }],
    ['-i in.txt', { stdin: 'in.txt' }],
    ['-H', { hold: true }],
    ['-HJ one # --job-name=two', { hold: true, name: 'one' }],
  ])('is read: %s', (options, asked) => {
    expect(ofLine(options)).toEqual({ asked, told: [] });
  });
});

describe('what cannot be had', () => {
  it.each<[string, Partial<JobSpec>, string]>([
    ['--mail-user=me@here.org', {}, '2:9: --mail-user has no equal; use `notify`'],
    ['-J one --qos=high', { name: 'one' }, '2:16: --qos has no equal; use --priority'],
    ['--reboot', {}, '2:9: --reboot has no equal'],
    ['--of-a-site=7', {}, '2:9: swm knows no option `--of-a-site=7`'],
    ['--of-a-site 7 -J a', { name: 'a' }, '2:9: swm knows no option `--of-a-site`'],
    ['--begin=16:00', {}, '2:9: --begin has no equal: it may begin at once'],
    ['--mem=0', {}, '2:9: --mem is left out: memory that is not said is not counted'],
    ['-G a:2,b:1', { gpus: 3 }, '--gpus gets any kind of gpu: a job has gpus of one kind, not'],
    ['--exclusive=user', { exclusive: true }, '--exclusive is for all others: `user` has no'],
    ['--gres=disk:3', {}, '2:9: --gres has no equal for disk:3'],
    ['-N 2-4', { nodes: 2, ranks: 'main' }, '--nodes is taken as 2: a job gets as many nodes as'],
    ['--nice=5000', { priority: -1000 }, '--nice is taken as -1000: priorities go from -1000'],
    ['-p a,b', { queue: 'a' }, '--partition is taken as a: a job waits in one queue'],
    ['-C a|b', {}, '--constraint is left out: wants labels with & between them'],
    ['-o /home/me/%j.out', {}, '--output is left out: `swm logs ID` shows what it prints; a log'],
    ['-o %N.out', {}, '--output is left out: `swm logs ID` shows what it prints; %N has no equal'],
    ['-D ../up', {}, '--chdir is left out: it leads up by ..'],
    ['--export=ALL,B=1', { env: { B: '1' } }, '--export of ALL is left out: only variables that'],
    ['-t 1 -t 2', { walltimeMs: 120_000 }, '2:9: --time is given again, and the last one counts'],
    [
      '-d aftercorr:0197f3a2',
      { after: [awaits('after-ok', '0197f3a2')] },
      '--dependency waits for all tasks of the other array',
    ],
  ])('is told with its place, and the job runs without: %s', (options, asked, told) => {
    const found = ofLine(options);
    expect(found.asked).toEqual(asked);
    expect(found.told).toEqual([expect.stringContaining(told)]);
  });

  it.each([
    ['-t soon', '2:9: --time wants a time as M, M:S, H:M:S, D-H, D-H:M or D-H:M:S, not `soon`'],
    ['-N many', '2:9: --nodes wants a number of nodes, not `many`'],
    ['-n 0', '2:9: --ntasks wants a whole number from 1 on, not `0`'],
    ['--mem=much', '2:9: --mem wants memory, such as 4000M or 4G, not `much`'],
    ['-G some', '2:9: --gpus wants gpus as [KIND:]N, not `some`'],
    ['-a 1,2,4', '2:9: --array wants one range, as A-B[:STEP][%LIMIT]; submit it once for each'],
    ['-a 9-1', '2:9: --array the array ends at 1, before its begin'],
    ['-d singleton', '2:9: --dependency wants KIND:ID[:ID], KIND one of after, afterany, afterok'],
    ['-d afterok:0197f3a2?afterok:0197f3a3', '2:9: --dependency wants all of its jobs: an or'],
    ['-d afterok:12', 'wants the id of a job, or its first 8 digits, not `12`'],
    ['--job-name', '2:9: --job-name needs a value'],
    ['--hold=yes', '2:9: --hold takes no value, not `yes`'],
    ['-J my job', '2:15: `job` is no option'],
    ['-J "my job', '2:12: this " has no closing "'],
  ])('is refused where the job would be another without it: %s', (options, error) => {
    const { told } = ofLine(options);
    expect(told).toEqual([expect.stringContaining(error)]);
    expect(told[0]).toMatch(/^error job\.sh:2:\d+: /);
  });

  it('is told of every option that Slurm has, or it is heard', () => {
    const heard = Object.entries(slurmOptions).map(([name, { takes }]) => {
      const values = ['7', 'afterok:0197f3a2', '1-2', 'now', 'gpu'];
      return (takes === 'nothing' ? [''] : values.map((one) => `=${one}`)).some((value) => {
        const { asked, told } = ofLine(`--${name}${value}`);
        return Object.keys(asked).length > 0 || told.some((text) => text.includes(`--${name}`));
      });
    });
    expect(heard).not.toContain(false);
  });
});

describe('lines of Slurm’s', () => {
  it('give way to directives, and say so', () => {
    const script = '#SBATCH -t 5 --export=A=1,B=2\n#SWM time 1h\n#SWM env A=3\n';
    expect(read(script)).toEqual({
      asked: { walltimeMs: 3_600_000, env: { A: '3', B: '2' } },
      told: [
        'job.sh:1:9: --time is left out: `time` is given, at job.sh:2:6, and counts',
        'job.sh:1:14: --export is left out: `env` is given, at job.sh:3:10, and counts',
      ],
    });
  });

  it('are read down to the first command, as Slurm reads them', () => {
    const head = '#!/bin/sh\n\n# a comment\n  # and one\n#SBATCH -J a\r\n';
    expect(read(`${head}true\n#SBATCH -J late\n#SBATCH -J later\n`)).toEqual({
      asked: { name: 'a' },
      told: ['job.sh:7:1: #SBATCH behind the first command is not read, as Slurm does not'],
    });
  });

  it.each(['##SBATCH -N x', ' #SBATCH -N x', '#SBATCHES', '# SBATCH -N x', '#sbatch -N x'])(
    'are no others: %j',
    (line) => {
      expect(parseScript(`${line}\n`, 'job.sh')).toStrictEqual({ spec: emptySpec });
    },
  );

  it('say that the script is one for Slurm, and nothing else if they are empty', () => {
    expect(parseScript('#SBATCH\n', 'job.sh')).toStrictEqual({
      spec: { ...emptySpec, slurm: true },
    });
  });

  it('are told together with other errors, in their order', () => {
    expect(read('#SBATCH -N x\n#SWM nmae a\n#SBATCH -t x\n').told).toEqual([
      expect.stringContaining('job.sh:1:9'),
      expect.stringContaining('job.sh:2:6'),
      expect.stringContaining('job.sh:3:9'),
    ]);
  });

  it('of any kind make a job or are told', () => {
    const name = fc.constantFrom(...Object.keys(slurmOptions));
    const word = fc.string({ unit: fc.constantFrom(...'0123:-,%=aG \'"\\$&|[]/.') });
    fc.assert(
      fc.property(fc.array(fc.tuple(name, word), { maxLength: 6 }), (options) => {
        const line = options.map(([one, value]) => `--${one}=${value}`).join(' ');
        const parsed = parseScript(`#SBATCH ${line}\n`, 'job.sh');
        if (!('errors' in parsed)) expect(parsed.spec.slurm).toBe(true);
        else for (const { line: at } of parsed.errors) expect(at).toBe(1);
      }),
    );
  });
});
