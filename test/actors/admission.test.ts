import { describe, expect, it } from 'vitest';
import { keeping as accounts } from '../../src/actors/account/keeping.ts';
import { keeping } from '../../src/actors/job/keeping.ts';
import { type SessionPorts, sessionTasks } from '../../src/actors/session/tasks.ts';
import { sealBy } from '../../src/platform/seal.ts';
import { Failed } from '../../src/protocol/errors.ts';
import type { Body } from '../../src/protocol/messages.ts';
import { plainBook } from './books.ts';
import type { Shelf } from './memory.ts';
import { memoryStore } from './memory.ts';
import { ANN, aJob, BEN, ID, OPERATOR, OTHER } from './things.ts';

const SHA = 'a'.repeat(64);
const context = { signal: new AbortController().signal, emit: () => {}, path: '/sessions/1' };
const uuid = (eight: string, rest = '0'): string =>
  `${eight}-0000-8000-8000-${rest.padStart(12, '0')}`;

function ports(store: Shelf, change: Partial<SessionPorts> = {}): SessionPorts {
  return {
    store,
    seal: sealBy(() => 'a key'),
    jobId: (_, key = '') => uuid('11111111', String(key.length)),
    nextTick: (_, __, after) => after + 60_000,
    digest: (text) => `digest of ${text.length}`,
    hasBlob: async (sha256) => sha256 === SHA,
    readBlob: async () => new TextEncoder().encode('#!/bin/sh\n#SWM name blob\n'),
    keepBlob: async (bytes) => ({ sha256: SHA, bytes: bytes.byteLength }),
    checked: async () => ({ impossible: '' }),
    checkOut: async () => {},
    checkNotify: async () => {},
    closed: () => '',
    reasons: async () => ({}),
    foresee: async () => ({
      waits: true,
      reasons: [],
      change: null,
      start: null,
      placement: null,
    }),
    offers: async () => ({ flavors: [], images: [] }),
    remotes: [],
    current: async () => {},
    now: () => 0,
    appliedAt: () => 0,
    heads: () => [],
    backup: async () => {
      throw new Error('nobody asks here');
    },
    status: () => {
      throw new Failed('refused', 'nobody asks here');
    },
    configured: plainBook,
    checkBook: () => {},
    isAdmin: () => false,
    people: { rows: () => [], renew: unasked, audit: unasked },
    ...change,
  };
}

const unasked = (): never => {
  throw new Error('nobody asks here');
};

const admit = (
  script: string,
  change: Partial<SessionPorts> = {},
  body: Partial<Body<'job.submit'>> = {},
) =>
  sessionTasks(ports(memoryStore(), change)).admit(
    { user: ANN, from: '10.0.0.9', body: { script, inputs: [], ...body } },
    context,
  );
const code = (task: Promise<unknown>) =>
  task.then(
    () => 'admitted',
    (error: Failed) => `${error.failure.code}: ${error.failure.text}`,
  );

describe('a submission', () => {
  it('becomes what makes a job', async () => {
    const made = await admit('#SWM name one\n', {}, { key: 'k', from: 'elsewhere' });
    expect(made).toMatchObject({
      id: uuid('11111111', '1'),
      owner: 'ann',
      script: '#SWM name one\n',
      scriptBlob: null,
      from: '10.0.0.9',
      spec: { name: 'one', walltimeMs: 0, nodes: 1 },
    });
  });

  it('is given the walltime of the configuration, if it asks for none', async () => {
    const { spec } = await admit('x\n', { walltimeMs: 5_000 });
    expect(spec.walltimeMs).toBe(5_000);
    const asked = await admit('#SWM time 60\n', { walltimeMs: 5_000 });
    expect(asked.spec.walltimeMs).toBe(60_000);
  });

  it('is refused once its account has nothing left for what would be made', async () => {
    const store = memoryStore();
    const lab = { phase: 'open', round: 0, name: 'lab', spent: 3, charges: [] } as const;
    store.keep(accounts, '/accounts/lab', lab);
    const budgets = new Map([['lab', 3]]);
    const asks = '#SWM account lab\n#SWM relocatable\n';
    expect(await code(admit(asks, { store, budgets }))).toBe(
      'over_budget: account lab has cost 3 of its budget of 3',
    );
    expect(await code(admit('#SWM account lab\n', { store, budgets }))).toBe('admitted');
    expect(await code(admit(asks, { store, budgets: new Map([['lab', 4]]) }))).toBe('admitted');
    expect(await code(admit(asks, { store, budgets: new Map() }))).toBe('admitted');
  });

  it('may be a blob, and one that is too long for a record is made one', async () => {
    const given = await admit('', {}, { scriptBlob: { sha256: SHA, bytes: 10 } });
    expect(given).toMatchObject({ script: '#!/bin/sh\n#SWM name blob\n', spec: { name: 'blob' } });
    const long = await admit(`#SWM name long\n${'x'.repeat(70_000)}`);
    expect(long).toMatchObject({ script: '', scriptBlob: { sha256: SHA, bytes: 70_015 } });
    const absent = { scriptBlob: { sha256: 'b'.repeat(64), bytes: 10 } };
    expect(await code(admit('', {}, absent))).toBe('missing_input: the script was not uploaded');
  });

  it.each([
    ['#SWM array 1-3\n#SWM nodes 2', 'array with nodes'],
    ['#SWM array 1-3\n#SWM ports 80/tcp/in', 'array with ports'],
    ['#SWM array 1-3\n#SWM ranks main', 'array with ranks main'],
    ['#SWM array 1-3\n#SWM container-image a', 'array with container-image'],
    ['#SWM array 1-3\n#SWM checkpoint', 'array with checkpoint'],
    ['#SWM array 1-3\n#SWM budget 1', 'array with budget'],
    ['#SWM ranks main\n#SWM container-image a', 'ranks main with container-image'],
  ])('of %s is refused, as long as swm cannot do it', async (script, what) => {
    expect(await code(admit(`${script}\n`))).toBe(
      `impossible: this swm cannot do yet what the script asks for: ${what}`,
    );
  });

  it.each([
    '#SWM name x\n#SWM comment y\n#SWM account z\n#SWM preemptible\n#SWM relocatable',
    '#SWM gpus 0\n#SWM cpus 1\n#SWM memory 1G\n#SWM nodes 2\n#SWM time 60\n#SWM priority 3',
    '#SWM ports 8888/tcp/in,8081/out\n#SWM retries 3\n#SWM env A=b\n#SWM workdir w\n#SWM stdin i',
    '#SWM stdout o\n#SWM stderr e\n#SWM output-files a b\n#SWM flavor f\n#SWM cloud-image i',
    '#SWM storage a',
    '#SWM array 1-3 is no directive in here'.replace('#SWM', '# SWM'),
  ])('of %s is admitted', async (script) => {
    expect(await code(admit(`${script}\n`))).toBe('admitted');
  });

  it('with ports that may not lead where they would is refused', async () => {
    const asked: unknown[] = [];
    const checkOut: SessionPorts['checkOut'] = async ({ submissionAddress }, from) => {
      asked.push([submissionAddress, from]);
      throw new Failed('forbidden', 'not there');
    };
    const script = '#SWM submission-address hub\n#SWM ports 1/in';
    expect(await code(admit(script, { checkOut }))).toBe('admitted');
    expect(await code(admit(`${script},2/out`, { checkOut }))).toBe('forbidden: not there');
    expect(asked).toEqual([['hub', '10.0.0.9']]);
  });

  it.each([
    ['checkpoint', true],
    ['checkpoint-dir ckpt', true],
    ['checkpoint-interval 60', true],
    ['checkpoint-signal usr2', true],
    ['checkpoint-interval 0', false],
  ])('of %s saves itself: %s', async (directive, checkpoint) => {
    expect(await admit(`#SWM ${directive}\n`)).toMatchObject({ spec: { checkpoint } });
  });

  it('is refused with the place of the mistake, or the reason', async () => {
    const bad = admit('#!/bin/sh\n#SWM nodes many\n', {}, { file: 'a.sh' });
    expect(await code(bad)).toMatch(/^bad_script: a\.sh:2:12: /);
    const inputs = [{ path: 'x', sha256: 'b'.repeat(64), bytes: 1, mode: 0o644 }];
    expect(await code(admit('x', {}, { inputs }))).toBe(
      'missing_input: input file x was not uploaded',
    );
    expect(await code(admit('#SWM input-files data.csv\n'))).toBe(
      'missing_input: input file data.csv was not uploaded',
    );
    expect(await code(admit('x', { closed: () => 'no space' }))).toBe('disk_full: no space');
    expect(await code(admit('x', { checked: async () => ({ impossible: 'too big' }) }))).toBe(
      'impossible: too big',
    );
  });
});

describe('the id of a job', () => {
  const keyed: SessionPorts['jobId'] = (owner, key = '') =>
    uuid(key.includes('\n') ? '22222222' : '11111111', owner === 'ann' ? '1' : '2');
  const idFor = async (store: Shelf, user = ANN as { door: 'terminal'; id: string }) => {
    const tasks = sessionTasks(ports(store, { jobId: keyed }));
    const body = { script: 'x', inputs: [], key: 'k' };
    return (await tasks.admit({ user, from: '', body }, context)).id;
  };
  const keep = (store: Shelf, id: string) => store.keep(keeping, `/jobs/${id}`, aJob({ id }));

  it('is what its key gives, again and again', async () => {
    const store = memoryStore();
    expect(await idFor(store)).toBe(uuid('11111111', '1'));
    keep(store, uuid('11111111', '1'));
    expect(await idFor(store)).toBe(uuid('11111111', '1'));
  });

  it('has other first digits where a job has those, and stays when that is gone', async () => {
    const store = memoryStore();
    keep(store, uuid('11111111', '9'));
    expect(await idFor(store)).toBe(uuid('22222222', '1'));
    keep(store, uuid('22222222', '1'));
    store.keep(keeping, `/jobs/${uuid('11111111', '9')}`, aJob({ remains: 'nothing' }));
    expect(await idFor(store)).toBe(uuid('22222222', '1'));
    expect(await idFor(store, BEN)).toBe(uuid('11111111', '2'));
  });

  it('without a key is drawn until it is free', async () => {
    const store = memoryStore();
    keep(store, uuid('00000001', '9'));
    let drawn = 0;
    const tasks = sessionTasks(ports(store, { jobId: () => uuid(`0000000${++drawn}`) }));
    const body = { script: 'x', inputs: [] };
    const made = await tasks.admit({ user: ANN, from: '', body }, context);
    expect(made.id).toBe(uuid('00000002'));
  });
});

describe('what is read of a job', () => {
  const tasks = (store: Shelf) => sessionTasks(ports(store));
  const show = (store: Shelf, user = ANN as { door: 'terminal' | 'operator'; id: string }) =>
    code(tasks(store).read({ user, message: { name: 'job.show', body: { id: ID } } }, context));

  it('is for its owner and operators, and nothing of one that was purged', async () => {
    const store = memoryStore();
    expect(await show(store)).toBe(`not_found: no job ${ID}`);
    store.keep(keeping, `/jobs/${ID}`, aJob({ phase: 'placing' }));
    expect(await show(store)).toBe('admitted');
    expect(await show(store, OPERATOR)).toBe('admitted');
    expect(await show(store, BEN)).toBe(`forbidden: job ${ID} belongs to somebody else`);
    store.keep(keeping, `/jobs/${ID}`, aJob({ phase: 'ended', remains: 'key' }));
    expect(await show(store)).toBe(`not_found: no job ${ID}`);
    const list = { name: 'job.list', body: {} } as const;
    expect(await tasks(store).read({ user: ANN, message: list }, context)).toMatchObject({
      jobs: [],
    });
  });

  it('is found by the beginning of its id, if only one begins so', async () => {
    const store = memoryStore();
    store.keep(keeping, `/jobs/${ID}`, aJob());
    const resolve = (id: string) =>
      tasks(store).resolve({ user: ANN, message: { name: 'job.cancel', body: { id } } }, context);
    expect((await resolve('0197F3')).body).toEqual({ id: ID });
    expect(await code(resolve('ffff'))).toBe('not_found: no job has an id that begins with ffff');
    expect(await code(resolve('x'))).toBe('not_found: "x" is no job id');
    const twin = ID.replace(/.$/, '7');
    store.keep(keeping, `/jobs/${twin}`, aJob({ id: twin }));
    expect(await code(resolve('0197f3'))).toBe(
      'not_found: several jobs have ids that begin with 0197f3',
    );
  });
});

it('a submission may wait, be held, and be of a DAG, as its sender says', async () => {
  const store = memoryStore();
  store.keep(keeping, `/jobs/${ID}`, aJob());
  const after = [{ when: 'after-any' as const, jobs: [ID.slice(0, 8)] }];
  const dag = { id: OTHER, dag: 'night', job: 'a', needs: [] };
  const script = `#SWM after ${ID}\n`;
  const made = await admit(script, { store }, { after, hold: true, dag });
  const all = [
    { when: 'after', jobs: [ID] },
    { when: 'after-any', jobs: [ID] },
  ];
  expect(made.spec).toMatchObject({ after: all, hold: true, dag });
  // Each is another request.
  const plain = await admit(script, { store });
  const waiting = await admit(script, { store }, { after });
  expect(new Set([made, plain, waiting].map(({ digest }) => digest)).size).toBe(3);
});
