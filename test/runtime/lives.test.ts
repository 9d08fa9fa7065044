import { describe, expect, it } from 'vitest';
import type { Policy } from '../../src/runtime/supervisor.ts';
import { keeping, Lab, type Out, type Play, supervisors, type ToyOptions, toy } from './lab.ts';

const note = (text: string): Out => ({ do: 'note', text });
const say =
  (text: string): Play =>
  (state) => [state, [note(text)]];
const keep =
  (value: unknown, ...effects: Out[]): Play =>
  (state) => [{ ...state, x: value }, effects];
const boom: Play = () => {
  throw new Error('boom');
};

const policy: Policy = {
  strategy: 'one',
  max: 5,
  withinMs: 60_000,
  backoff: { minMs: 100, maxMs: 1_000 },
};
const child = (name: string) => ({
  name,
  family: 'toy',
  args: undefined,
  restart: 'permanent' as const,
});

/** A supervisor at `/s` with three toys that are kept. */
async function bed(options: ToyOptions = {}, strategy: Policy['strategy'] = 'one') {
  const lab = new Lab({ toy: toy({ keeping, ...options }), supervisor: supervisors });
  lab.open('supervisor', '/s', {
    policy: { ...policy, strategy },
    children: ['a', 'b', 'c'].map(child),
  });
  await lab.run();
  return lab;
}

const noted = (lab: Lab, path: string): string[] =>
  lab.notes
    .filter((line) => line.startsWith(`info ${path} `))
    .map((line) => line.slice(`info ${path} `.length));

describe('a crash', () => {
  it('keeps the mailbox for the next life in order, without the letter that did it', async () => {
    const lab = await bed();
    lab.tell('/s/a', say('1'));
    lab.tell('/s/a', boom);
    lab.tell('/s/a', say('2'));
    lab.tell('/s/a', say('3'));
    await lab.run();
    expect(noted(lab, '/s/a')).toEqual(['1']);
    lab.tell('/s/a', say('4, between the lives'));
    lab.ask('/s/a', (state, ask) => [state, [{ do: 'reply', ask, body: { late: true } }]]);
    expect(lab.answers).toEqual([]);
    await lab.pass(100);
    lab.tell('/s/a', say('5'));
    await lab.run();
    expect(noted(lab, '/s/a')).toEqual(['1', '2', '3', '4, between the lives', '5']);
    expect(lab.answers).toEqual([{ ok: true, body: { late: true } }]);
  });

  it('keeps the letters whichever tree of the node it happens in', async () => {
    const lab = new Lab({ toy: toy(), supervisor: supervisors });
    for (const names of [['a'], ['b'], ['c']])
      lab.open('supervisor', '', { policy, children: names.map(child) });
    await lab.run();
    for (const name of ['a', 'b', 'c']) {
      lab.tell(`/${name}`, boom);
      await lab.run();
      lab.tell(`/${name}`, say('heard'));
      await lab.pass(100);
      expect(noted(lab, `/${name}`)).toEqual(['heard']);
    }
  });

  it('does not open the door between two lives to what the family does not hear', async () => {
    const lab = await bed();
    lab.tell('/s/a', boom);
    await lab.run();
    lab.ask('/s/a', boom, 1_000, 'job.cancel');
    expect(lab.answers).toMatchObject([{ ok: false, failure: { code: 'wrong_phase' } }]);
  });

  it('keeps what was saved, and hands no answer of the old life on', async () => {
    const heard: object[] = [];
    const lab = await bed({ heard: (event) => heard.push(event) });
    lab.tell('/s/a', keep(1, { do: 'after', ms: 500, event: { is: 'alarm' } }));
    await lab.run();
    lab.tell('/s/a', boom);
    await lab.pass(2_000);
    expect(lab.node.routes.find('/s/a')?.state).toEqual({ phase: 'on', x: 1 });
    expect(heard.filter((event) => (event as { is: string }).is === 'alarm')).toEqual([]);
  });

  it('opens the next life only after the last save of the one before has ended', async () => {
    const lab = await bed();
    lab.store.byHand = true;
    lab.tell('/s/a', keep('saved late'));
    lab.tell('/s/a', boom);
    await lab.run();
    const loads = lab.store.loads;
    await lab.pass(10_000);
    lab.tell('/s/a', say('meanwhile'));
    expect(lab.store.loads).toBe(loads);
    lab.store.byHand = false;
    await lab.run();
    await lab.pass(200);
    expect(lab.node.routes.find('/s/a')?.state).toEqual({ phase: 'on', x: 'saved late' });
    expect(noted(lab, '/s/a')).toEqual(['meanwhile']);
  });

  it('of a parent halts its children first, and waits for their saves', async () => {
    const lab = await bed();
    lab.tell('/s/a', (state) => [state, [{ do: 'spawn', family: 'toy', name: 'kid', args: 0 }]]);
    await lab.run();
    lab.store.byHand = true;
    lab.tell('/s/a/kid', keep('of the kid'));
    lab.ask('/s/a/kid', (state) => [state, []]);
    lab.tell('/s/a', boom);
    await lab.run();
    expect(lab.answers).toMatchObject([{ ok: false, failure: { code: 'unknown_outcome' } }]);
    await lab.pass(10_000);
    expect(lab.node.routes.find('/s/a')?.isOver).toBe(true);
    lab.store.byHand = false;
    await lab.run();
    await lab.pass(200);
    expect(lab.node.routes.find('/s/a')?.isOver).toBe(false);
    expect(lab.node.routes.find('/s/a/kid')).toBeUndefined();
    lab.tell('/s/a', (state) => [state, [{ do: 'spawn', family: 'toy', name: 'kid', args: 0 }]]);
    await lab.run();
    expect(lab.node.routes.find('/s/a/kid')?.state).toEqual({ phase: 'on', x: 'of the kid' });
  });

  it('leaves no news of former children to the next life of a parent', async () => {
    const heard: object[] = [];
    const lab = await bed({ heard: (event) => heard.push(event) });
    lab.tell('/s/a', (state) => [state, [{ do: 'spawn', family: 'toy', name: 'kid', args: 0 }]]);
    await lab.run();
    // The kid ends, and its parent crashes before it hears of it.
    lab.tell('/s/a', boom);
    lab.node.routes.find('/s/a/kid')?.halt('gone');
    await lab.run();
    await lab.pass(200);
    const exits = heard.filter((event) => (event as { is: string }).is === 'exited');
    expect(exits.length).toBeLessThanOrEqual(1);
    lab.tell('/s/a', boom);
    await lab.run();
    await lab.pass(400);
    expect(heard.filter((event) => (event as { is: string }).is === 'exited')).toEqual(exits);
  });
});

describe('a halted sibling', () => {
  it('comes back with its letters, after its own last save, oldest first', async () => {
    const lab = await bed({}, 'all');
    lab.tell('/s/b', keep(1));
    await lab.run();
    lab.store.byHand = true;
    lab.tell('/s/a', boom);
    lab.tell('/s/b', keep(2));
    await lab.run();
    const loads = lab.store.loads;
    await lab.pass(100);
    // `a` and `c` are back; `b` has a save in flight.
    expect(lab.store.loads - loads).toBe(2);
    expect(lab.node.routes.find('/s/b')?.isOver).toBe(true);
    lab.tell('/s/b', say('to the next life'));
    lab.ask('/s/b', (state, ask) => [state, [{ do: 'reply', ask, body: { ok: 1 } }]]);
    lab.store.byHand = false;
    await lab.run();
    expect(lab.node.routes.find('/s/b')?.state).toEqual({ phase: 'on', x: 2 });
    expect(noted(lab, '/s/b')).toEqual(['to the next life']);
    expect(lab.answers).toEqual([{ ok: true, body: { ok: 1 } }]);
  });
});
