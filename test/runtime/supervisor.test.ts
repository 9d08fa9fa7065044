import { describe, expect, it } from 'vitest';
import { type Policy, supervisor } from '../../src/runtime/supervisor.ts';
import { Lab, type Out, type Play, supervisors, toy } from './lab.ts';

const boom: Play = () => {
  throw new Error('boom');
};
const stop: Play = (state) => [state, [{ do: 'stop', why: 'done' }]];

const policyOf = (of: Partial<Policy>): Policy => ({
  strategy: 'one',
  max: 5,
  withinMs: 10_000,
  backoff: { minMs: 100, maxMs: 350 },
  ...of,
});

/** A supervisor at `/s` with `a`, `b` and `c`; `lives` has every birth, by name and in order. */
async function bed(of: Partial<Policy> = {}, restart: 'permanent' | 'transient' = 'permanent') {
  const lives: string[] = [];
  const born = (name: string) =>
    toy({
      enter: () => {
        lives.push(name);
        return [];
      },
    });
  const families = { a: born('a'), b: born('b'), c: born('c'), supervisor: supervisors };
  const lab = new Lab(families);
  const ended: { crashed: boolean; why: string }[] = [];
  const children = ['a', 'b', 'c'].map((name) => ({
    name,
    family: name,
    args: undefined,
    restart: name === 'b' ? restart : ('permanent' as const),
  }));
  const args = { policy: policyOf(of), children };
  lab.node.open('supervisor', '/s', args, (exit) => ended.push(exit));
  await lab.run();
  return { lab, lives, ended };
}

describe('a supervisor', () => {
  it('starts its children in order', async () => {
    expect((await bed()).lives).toEqual(['a', 'b', 'c']);
  });

  it.each([
    ['one', ['b']],
    ['rest', ['b', 'c']],
    ['all', ['a', 'b', 'c']],
  ] as const)('restarts by the strategy %s, in order', async (strategy, again) => {
    const { lab, lives } = await bed({ strategy });
    lives.length = 0;
    lab.tell('/s/b', boom);
    await lab.pass(99);
    expect(lives).toEqual([]);
    await lab.pass(1);
    expect(lives).toEqual(again);
    for (const name of ['a', 'b', 'c']) expect(lab.node.routes.find(`/s/${name}`)).toBeDefined();
  });

  it('waits longer from crash to crash, up to a bound', async () => {
    const { lab, lives } = await bed();
    for (const ms of [100, 200, 350, 350]) {
      lab.tell('/s/a', boom);
      await lab.run();
      const before = lives.length;
      await lab.pass(ms - 1);
      expect(lives.length).toBe(before);
      await lab.pass(1);
      expect(lives.length).toBe(before + 1);
    }
  });

  it('crashes when there are too many crashes within the window, and ends all', async () => {
    const { lab, ended } = await bed({ max: 2 });
    for (const name of ['a', 'b', 'c']) {
      lab.tell(`/s/${name}`, boom);
      await lab.pass(400);
    }
    expect(ended).toMatchObject([{ crashed: true }]);
    expect(ended[0]?.why).toContain('c ends too often');
    expect(lab.node.routes.size).toBe(0);
  });

  it('forgets crashes that are older than the window', async () => {
    const { lab, ended } = await bed({ max: 2 });
    for (let crash = 0; crash < 9; crash++) {
      lab.tell('/s/a', boom);
      await lab.pass(6_000);
    }
    expect(ended).toEqual([]);
  });

  it('brings a permanent child back after a good end too, a transient one not', async () => {
    for (const [restart, back] of [
      ['permanent', true],
      ['transient', false],
    ] as const) {
      const { lab } = await bed({}, restart);
      lab.tell('/s/b', stop);
      await lab.pass(1_000);
      expect(lab.node.routes.find('/s/b') !== undefined).toBe(back);
      expect(lab.node.routes.size).toBe(back ? 4 : 3);
    }
  });

  it('halts the youngest first', async () => {
    const { lab } = await bed();
    const order: string[] = [];
    for (const name of ['a', 'b', 'c'])
      lab.node.routes.watch(lab.at(`/s/${name}`), () => order.push(name));
    lab.node.routes.find('/s')?.halt('enough');
    expect(order).toEqual(['c', 'b', 'a']);
  });

  it('keeps the letters of a child over any restart', async () => {
    const heard: number[] = [];
    const { lab } = await bed({ strategy: 'all' });
    const count =
      (n: number): Play =>
      (state) => {
        heard.push(n);
        return [state, []];
      };
    lab.tell('/s/a', boom);
    await lab.run();
    // Between the lives of `a`; `c` lives, and is halted with a letter unread.
    lab.tell('/s/a', count(1));
    lab.clock.pass(100, () => {
      lab.tell('/s/c', count(2));
      lab.hands.run();
    });
    await lab.pass(1_000);
    expect(heard).toEqual([1, 2]);
  });

  it('is a value: crashes of two children at once restart each once', () => {
    const children = ['a', 'b'].map((name) => ({
      name,
      family: name,
      args: 0,
      restart: 'permanent' as const,
    }));
    const exited = (name: string) => ({ is: 'exited', name, crashed: true, why: '' }) as const;
    let state = supervisor.init({ policy: policyOf({ strategy: 'all' }), children }, 0);
    const effects: Out[] = [];
    for (const event of [exited('a'), exited('b'), { is: 'restart', name: 'a' } as const]) {
      const [next, out] = supervisor.on(state, event, 0);
      state = next;
      effects.push(...(out as Out[]));
    }
    expect(effects).toEqual([
      { do: 'after', ms: 100, event: { is: 'restart', name: 'a' } },
      { do: 'after', ms: 200, event: { is: 'restart', name: 'b' } },
      { do: 'spawn', family: 'a', name: 'a', args: 0 },
    ]);
    expect(supervisor.on(state, { is: 'restart', name: 'a' }, 0)).toEqual([state, []]);
  });
});
