import { describe, expect, it } from 'vitest';
import { SWEEPER, unswept, unsweptSince } from '../../src/actors/sweeper/keeping.ts';
import { type Sweeper, sweeper } from '../../src/actors/sweeper/sweeper.ts';
import { memoryStore } from './memory.ts';
import { NOW, Stage, told } from './stage.ts';

describe('the sweeper', () => {
  const confirm = told('sweep.confirm', {}, 3);

  it('is on from the first, and confirming that changes nothing', () => {
    const stage = new Stage<Sweeper>(sweeper, sweeper.init({}, NOW));
    const before = stage.state;
    expect(stage.entered()).toEqual([]);
    expect(stage.hear(confirm)).toEqual({ phase: 'on', moved: false, effects: ['reply 3 {}'] });
    expect(stage.state).toBe(before);
  });

  it('is on again once an operator has said so', () => {
    const stage = new Stage<Sweeper>(sweeper, { phase: 'off', since: NOW - 1 });
    expect(stage.hear(confirm)).toEqual({ phase: 'on', moved: true, effects: ['reply 3 {}'] });
    expect(stage.state).toEqual({ phase: 'on', since: NOW });
  });

  it('is off by what a restore writes, and on where there is no record of it', () => {
    const store = memoryStore();
    expect(unsweptSince(store)).toBe(0);
    store.commit(unswept(NOW), () => {});
    expect(SWEEPER).toBe('/sweeper');
    expect(unsweptSince(store)).toBe(NOW);
  });
});
