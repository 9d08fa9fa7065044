import { describe, expect, it } from 'vitest';
import type { PoolPolicy } from '../../src/runtime/pool.ts';
import { Lab, pools, toy } from './lab.ts';

const policy: PoolPolicy = {
  max: 2,
  withinMs: 60_000,
  backoff: { minMs: 100, maxMs: 1_000 },
  openPerStep: 500,
};

describe('a pool of a hundred thousand', () => {
  it('opens them at a bounded rate, and they cost nothing when idle', async () => {
    const names = Array.from({ length: 100_000 }, (_, i) => `${i}`);
    const lab = new Lab({ toy: toy(), pool: pools('toy') });
    lab.open('pool', '/p', { policy, family: 'toy', live: names });
    await lab.pass(0);
    expect(lab.node.routes.size).toBe(1 + policy.openPerStep);
    let most = 0;
    let before = lab.node.routes.size;
    for (let steps = 0; lab.node.routes.size <= 100_000; steps++) {
      await lab.pass(1);
      most = Math.max(most, lab.node.routes.size - before);
      before = lab.node.routes.size;
      expect(steps).toBeLessThanOrEqual(100_000 / policy.openPerStep);
    }
    expect(most).toBe(policy.openPerStep);
    const { plays } = lab.hands;
    await lab.pass(1_000_000);
    expect(lab.hands.plays).toBe(plays);
    expect(lab.clock.waiting).toBe(0);
    expect(lab.node.routes.find('/p')?.scope.size).toBe(0);
    lab.tell('/p/99999', (state) => [state, [{ do: 'note', text: 'here' }]]);
    await lab.run();
    expect(lab.notes).toEqual(['info /p/99999 here']);
    lab.node.routes.find('/p')?.halt('enough');
    expect(lab.node.routes.size).toBe(0);
  });

  it('keeps no trace of children that ended well', async () => {
    const lab = new Lab({ toy: toy(), pool: pools('toy', ['job.create']) });
    lab.open('pool', '/p', { policy, family: 'toy', live: [] });
    for (let i = 0; i < 1_000; i++)
      lab.tell(`/p/${i}`, (state) => [state, [{ do: 'stop', why: 'done' }]]);
    await lab.run();
    const pool = lab.node.routes.find('/p');
    expect(pool?.state).toEqual({ policy, family: 'toy', live: [], phase: 'on', crashes: {} });
    expect(pool?.children.size).toBe(0);
    expect(pool?.children.areGone).toBe(true);
  });
});
