import { describe, expect, it } from 'vitest';
import { keeping } from '../../src/actors/job/keeping.ts';
import { dependencies } from '../../src/actors/session/dependencies.ts';
import type { After } from '../../src/protocol/model.ts';
import { memoryStore } from './memory.ts';
import { ANN, aJob, ID, OPERATOR, OTHER } from './things.ts';

describe('the jobs that a submission waits for', () => {
  const store = memoryStore();
  store.keep(keeping, `/jobs/${ID}`, aJob());
  store.keep(keeping, `/jobs/${OTHER}`, aJob({ id: OTHER, owner: 'ben' }));
  const short = ID.slice(0, 8);
  const one = (when: After[number]['when'], ...jobs: string[]): After[number] => ({ when, jobs });

  it('are known by their whole ids, each once', () => {
    const asked = [one('after-ok', short, ID), one('after', short)];
    expect(dependencies(store, ANN, asked)).toEqual([one('after-ok', ID), one('after', ID)]);
  });

  it.each([
    ['after-ok', OTHER],
    ['after-any', OTHER.slice(0, 8)],
    ['after-not-ok', 'ffffffff'],
    ['after', 'ffffffff-2222-7333-8444-555555555555'],
  ] as const)(
    'by `%s %s`, which is somebody else’s or not there, are refused alike',
    (when, id) => {
      expect(() => dependencies(store, ANN, [one(when, id)])).toThrow(
        `${when}: you have no job ${id}`,
      );
    },
  );

  it('may be those of others for an operator, and what is left of one that was purged', () => {
    store.keep(keeping, `/jobs/${ID}`, aJob({ phase: 'ended', remains: 'key' }));
    const asked = [one('after', OTHER, short)];
    expect(dependencies(store, OPERATOR, asked)).toEqual([one('after', OTHER, ID)]);
  });

  it('are not more than a job may wait for', () => {
    const many = [one('after', ...Array<string>(999).fill(short)), one('after-any', short, ID)];
    expect(() => dependencies(store, ANN, many)).toThrow('there are more than 1000 jobs');
    expect(() => dependencies(store, ANN, many.slice(0, 1))).not.toThrow();
  });
});
