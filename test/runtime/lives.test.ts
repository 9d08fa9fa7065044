import { describe, expect, it } from 'vitest';
import type { Policy } from '../../src/runtime/supervisor.ts';
import {
  keeping,
  Lab,
  type Out,
  type Play,
  pools,
  supervisors,
  type ToyOptions,
  toy,
} from './lab.ts';

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
const child = (name: string, family = 'toy') => ({
  name,
  family,
  args: undefined,
  restart: 'permanent' as const,
});

/** A supervisor at `/s` with toys, and a pool at `/p` of toys that rest when idle. */
async function bed(options: ToyOptions = {}, children = ['a', 'b', 'c'], of: Partial<Policy> = {}) {
  const lab = new Lab({
    toy: toy({ keeping, ...options }),
    rester: toy({ keeping, rests: () => true, ...options }),
    supervisor: supervisors,
    pool: pools('rester', ['job.create']),
  });
  lab.open('supervisor', '/s', {
    policy: { ...policy, ...of },
    children: children.map((name) => child(name)),
  });
  lab.open('pool', '/p', {
    policy: { max: 2, withinMs: 60_000, backoff: policy.backoff, openPerStep: 10 },
    family: 'rester',
    live: [],
  });
  await lab.run();
  return lab;
}

const noted = (lab: Lab, path: string): string[] =>
  lab.notes
    .filter((line) => line.startsWith(`info ${path} `))
    .map((line) => line.slice(`info ${path} `.length));

describe('a crash', () => {
  it('keeps the mailbox for the next life, in order, and drops the letter that did it', async () => {
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

  it('does not open the door between two lives to what the family does not hear', async () => {
    const lab = await bed();
    lab.tell('/s/a', boom);
    await lab.run();
    lab.ask('/s/a', boom, 1_000, 'job.cancel');
    expect(lab.answers).toMatchObject([{ ok: false, failure: { code: 'wrong_phase' } }]);
  });

  it('loses what was not saved, keeps what was, and hands no answer of the old life on', async () => {
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
    const lab = await bed({}, ['a', 'b', 'c'], { strategy: 'all' });
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

describe('a child of a pool', () => {
  it('is made by a message that may, and by no other', async () => {
    const lab = await bed();
    lab.ask('/p/x', (state) => [state, []], 1_000, 'job.report');
    await lab.run();
    expect(lab.answers).toMatchObject([{ ok: false, failure: { code: 'not_found' } }]);
    expect(lab.node.routes.find('/p/x')).toBeUndefined();
    lab.tell('/p/x', keep(1));
    await lab.run();
    lab.ask('/p/x', (state, ask) => [state, [{ do: 'reply', ask, body: { x: state['x'] } }]], 9);
    await lab.run();
    expect(lab.answers[1]).toEqual({ ok: true, body: { x: 1 } });
  });

  it('is let go when idle, and opened again by any letter, which is not lost', async () => {
    const lab = await bed();
    lab.tell('/p/x', keep(1));
    await lab.run();
    expect(lab.node.routes.find('/p/x')).toBeUndefined();
    lab.tell('/p/x', say('again'), 'job.report');
    lab.tell('/p/x', say('and again'), 'job.report');
    await lab.run();
    expect(noted(lab, '/p/x')).toEqual(['again', 'and again']);
    expect(lab.node.routes.find('/p/x')).toBeUndefined();
  });

  it('does not rest while it saves, owes an answer, or waits for a timer', async () => {
    const lab = await bed();
    lab.store.byHand = true;
    lab.tell('/p/x', keep(1));
    await lab.run();
    expect(lab.node.routes.find('/p/x')).toBeDefined();
    lab.store.byHand = false;
    lab.ask('/p/x', (state) => [state, []]);
    await lab.run();
    expect(lab.node.routes.find('/p/x')).toBeDefined();
    lab.tell('/p/x', (state) => [
      state,
      [
        { do: 'reply', ask: 1, body: {} },
        { do: 'after', ms: 500, event: { is: 'alarm' } },
      ],
    ]);
    await lab.run();
    expect(lab.answers).toEqual([{ ok: true, body: {} }]);
    expect(lab.node.routes.find('/p/x')).toBeDefined();
    await lab.pass(500);
    expect(lab.node.routes.find('/p/x')).toBeUndefined();
  });

  it('loses and doubles no letter, whenever it rests, crashes, stops or is slow to save', async () => {
    const lab = await bed();
    const sent: string[] = [];
    let x = 12345;
    const dice = (sides: number): number => {
      x = (Math.imul(x, 1_103_515_245) + 12_345) >>> 0;
      return (x >>> 8) % sides;
    };
    for (let i = 0; i < 3_000; i++) {
      const path = `/p/${dice(5)}`;
      const text = `${path} ${i}`;
      const kind = dice(12);
      if (kind === 0 && i % 7 === 0) lab.tell(path, boom);
      else if (kind === 1) lab.tell(path, (state) => [state, [{ do: 'stop', why: 'enough' }]]);
      else {
        sent.push(text);
        lab.tell(path, (state) => [{ ...state, x: i }, [note(text)]]);
      }
      if (dice(3) === 0) lab.hands.run();
      lab.store.byHand = dice(2) === 0;
      if (dice(4) === 0) lab.store.end('committed', dice(4));
      if (dice(10) === 0) await lab.pass(dice(300));
    }
    lab.store.byHand = false;
    await lab.pass(100_000);
    const played = lab.notes
      .filter((line) => line.startsWith('info '))
      .map((line) => line.split(' ').slice(2).join(' '));
    expect(new Set(played).size).toBe(played.length);
    // A crash or stop takes the effects with it that were not durable; nothing else is missing,
    // and each child saw its letters in order.
    for (let child = 0; child < 5; child++) {
      const mine = (lines: string[]): number[] =>
        lines.filter((line) => line.startsWith(`/p/${child} `)).map((l) => Number(l.split(' ')[1]));
      const seen = mine(played);
      expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    }
    expect(played.length).toBeGreaterThan(sent.length / 2);
  });

  it('is given up after too many crashes, which somebody hears, and its letters are refused', async () => {
    const busy: Out = { do: 'after', ms: 1e9, event: { is: 'never' } };
    const lab = await bed({ enter: () => [busy] });
    lab.tell('/p/x', keep(1));
    for (let crash = 0; crash < 3; crash++) {
      await lab.run();
      lab.tell('/p/x', boom);
      if (crash === 2) lab.ask('/p/x', (state) => [state, []]);
      await lab.pass(crash < 2 ? 200 : 0);
    }
    expect(lab.notes).toContain('error /p gave up on a child');
    expect(lab.answers).toMatchObject([{ ok: false, failure: { code: 'stopping' } }]);
    await lab.pass(10_000);
    expect(lab.node.routes.find('/p/x')).toBeUndefined();
    lab.ask('/p/x', (state, ask) => [state, [{ do: 'reply', ask, body: {} }]]);
    await lab.run();
    // Whoever writes to it opens it again.
    expect(lab.answers[1]).toEqual({ ok: true, body: {} });
  });

  it('is forgiven its crashes once they are long ago', async () => {
    const busy: Out = { do: 'after', ms: 1e9, event: { is: 'never' } };
    const lab = await bed({ enter: () => [busy] });
    lab.tell('/p/x', keep(1));
    for (let crash = 0; crash < 6; crash++) {
      await lab.run();
      lab.tell('/p/x', boom);
      await lab.pass(40_000);
      expect(lab.node.routes.find('/p/x')?.isOver).toBe(false);
    }
  });
});
