import { expect, it } from 'vitest';
import { keeping } from '../../src/actors/job/keeping.ts';
import { jobPage } from '../../src/actors/session/job-page.ts';
import type { DagPlace } from '../../src/protocol/model.ts';
import { memoryStore } from './memory.ts';
import { ANN, aJob, type BEN, ID, OPERATOR, OTHER } from './things.ts';

const DAG = 'aaaaaaaa-2222-8333-8444-555555555555';
const place = (job: string): DagPlace => ({ id: DAG, dag: 'night', job, needs: [] });

it('the jobs of a DAG are a list of their own, by its name and its id, for those who may', () => {
  const store = memoryStore();
  const keep = (id: string, change: object, dag?: DagPlace): void =>
    store.keep(keeping, `/jobs/${id}`, aJob({ id, ...change }, dag ? { dag } : {}));
  keep(ID, { submittedAt: 2 }, place('b'));
  keep(OTHER, { submittedAt: 1 }, place('a'));
  keep(`${ID.slice(0, -1)}0`, { owner: 'ben' }, place('c'));
  keep(`${ID.slice(0, -1)}1`, {});
  const listed = (user: typeof ANN | typeof BEN | typeof OPERATOR, dag: string, after = '') => {
    const { jobs, next } = jobPage(store, user, { dag, limit: 2, after });
    return { jobs: jobs.map(({ spec }) => spec.dag?.job), next };
  };
  for (const dag of ['night', DAG, 'AAAA']) {
    const first = listed(ANN, dag);
    expect(first.jobs).toEqual(['a', 'b']);
    expect(listed(ANN, dag, first.next)).toEqual({ jobs: [], next: '' });
    expect(listed(OPERATOR, dag, first.next).jobs).toEqual(['c']);
  }
  expect(listed(ANN, 'nigh')).toEqual({ jobs: [], next: '' });
  expect(() => listed(ANN, 'night', 'i/jobs-of/ben/1')).toThrow('$.after: wanted the `next`');
});
