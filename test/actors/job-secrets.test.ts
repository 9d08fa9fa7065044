import { describe, expect, it } from 'vitest';
import { job } from '../../src/actors/job/behaviour.ts';
import type { Job } from '../../src/actors/job/job.ts';
import { jobTasks } from '../../src/actors/job/tasks.ts';
import { keeping as safeKeeping } from '../../src/actors/safe/keeping.ts';
import { SHARED } from '../../src/actors/safe/safe.ts';
import type { Forwards } from '../../src/actors/ways.ts';
import { sealBy } from '../../src/platform/seal.ts';
import { failure } from '../../src/protocol/errors.ts';
import type { Spec } from '../../src/protocol/model.ts';
import { memoryStore } from './memory.ts';
import { done, failed, NOW, Stage, told } from './stage.ts';
import { ANN, aJob, ID, liveJob, onNodes, over, report, worker } from './things.ts';

const ASKED: Partial<Spec> = {
  secrets: [
    { name: 'db', as: 'env', to: 'DB' },
    { name: 'db', as: 'file', to: 'db' },
    { name: 'key', as: 'file', to: 'key' },
  ],
};
const nodes = onNodes('n1');
const live = (change: Partial<Job> = {}, phase: Parameters<typeof liveJob>[0] = 'starting') =>
  new Stage<Job>(job, liveJob(phase, nodes, { reports: [report()], ...change }, ASKED));
const ask = (change: object = {}, node = 'n1', who = worker('n1')) =>
  told('job.secrets', { job: ID, node, attempt: 1, rank: 0, ...change }, 7, who);

describe('the secrets of an attempt', () => {
  it.each(['staging', 'starting', 'running'] as const)('are opened while %s', (phase) => {
    const stage = live({}, phase);
    const before = stage.state;
    expect(stage.hear(ask())).toEqual({ phase, moved: false, effects: ['run secrets (7)'] });
    expect(stage.raw[0]).toMatchObject({ input: { owner: before.owner, names: ['db', 'key'] } });
    const effects = ['reply 7 {"secrets":{"db":"value"}}'];
    expect(stage.hear(done('secrets', { db: 'value' }, '7'))).toEqual({
      phase,
      moved: false,
      effects,
    });
    // Nothing of it is in what is kept, or shown.
    expect(stage.state).toEqual(before);
  });

  it('are opened for the pull of its image as well', () => {
    const spec = { ...ASKED, containerImage: 'a/b', containerLogin: 'registry' };
    const stage = new Stage<Job>(job, liveJob('staging', nodes, { reports: [report()] }, spec));
    stage.hear(ask());
    expect(stage.raw[0]).toMatchObject({ input: { names: ['db', 'key', 'registry'] } });
  });

  it('that cannot be had are refused, and the job goes on until its runner says more', () => {
    const stage = live();
    stage.hear(ask());
    const why = failure('no_secret', 'there is no secret db');
    expect(stage.hear(failed('secrets', why, '7'))).toEqual({
      phase: 'starting',
      moved: false,
      effects: ['refuse 7 no_secret: there is no secret db'],
    });
  });

  it.each([
    ['of another attempt', live(), ask({ attempt: 2 })],
    ['of another rank', live(), ask({ rank: 1 })],
    ['of a rank of another node', live(), ask({}, 'n2', worker('n2'))],
    ['of one that is being ended', live({ stop: { failure: null, since: NOW } }), ask()],
    ['of one that is over', live({ reports: [over()] }), ask()],
    ['of one that is collecting', live({}, 'collecting'), ask()],
    ['of one that is queued', new Stage<Job>(job, aJob({}, ASKED)), ask()],
  ])('%s are not given', (_, stage, event) => {
    const { attempt } = event.message.body as { attempt: number };
    const effects = [`refuse 7 wrong_phase: attempt ${attempt} of job ${ID} needs no secrets`];
    expect(stage.hear(event)).toMatchObject({ moved: false, effects });
  });

  it('are given to its own worker only', () => {
    const { effects } = live().hear(ask({}, 'n1', worker('n2')));
    expect(effects).toEqual([`refuse 7 forbidden: job ${ID} belongs to somebody else`]);
  });
});

describe('opening secrets', () => {
  const seal = sealBy(() => 'a key');
  const store = memoryStore();
  const keep = (owner: string, secrets: Readonly<Record<string, string>>): void =>
    store.keep(safeKeeping, `/safes/${owner}`, {
      phase: 'shut',
      owner,
      secrets: Object.entries(secrets).map(([name, text]) => ({
        owner,
        name,
        sealed: seal.shut(owner, name, text),
        setAt: NOW,
      })),
    });
  keep(ANN.id, { db: 'hers' });
  keep(SHARED, { db: 'of all', registry: 'of all' });
  const context = { signal: new AbortController().signal, emit: () => {}, path: '/jobs/1' };
  const { secrets } = jobTasks({ store, seal, forwards: {} as Forwards, jobId: () => '' });

  it('takes the owner’s own before everybody’s', async () => {
    const input = { owner: ANN.id, names: ['db', 'registry'] };
    expect(await secrets(input, context)).toEqual({ db: 'hers', registry: 'of all' });
    const other = { owner: 'ben', names: ['db'] };
    expect(await secrets(other, context)).toEqual({ db: 'of all' });
  });

  it('fails for one that is not there any more, and never for want of another try', async () => {
    const opened = secrets({ owner: ANN.id, names: ['db', 'regstry'] }, context);
    const why = { code: 'no_secret', retry: false };
    await expect(opened).rejects.toMatchObject({
      failure: { ...why, text: 'there is no secret regstry; is registry meant?' },
    });
  });
});
