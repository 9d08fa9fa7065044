import { describe, expect, it } from 'vitest';
import { Failed, failure } from '../../src/protocol/errors.ts';
import {
  keeping,
  Lab,
  letter,
  type Out,
  type Play,
  type Toy,
  type ToyOptions,
  toy,
} from './lab.ts';

const note = (text: string): Out => ({ do: 'note', text });
const go =
  (phase: string, ...effects: Out[]): Play =>
  (state) => [{ ...state, phase }, effects];

/** A task that ends when the test says so. */
function work() {
  const runs: {
    input: unknown;
    signal: AbortSignal;
    ok: (x: unknown) => void;
    bad: (x: unknown) => void;
  }[] = [];
  const tasks = {
    work: (input: unknown, { signal }: { signal: AbortSignal }) =>
      new Promise((ok, bad) => runs.push({ input, signal, ok, bad })),
  };
  return { runs, tasks };
}

/** Heard but for letters, and what was performed. */
function bed(options: ToyOptions = {}) {
  const heard: { is: string }[] = [];
  const keep = (event: object): void => {
    if ((event as { is: string }).is !== 'told') heard.push(event as { is: string });
  };
  const lab = new Lab({ toy: toy({ keeping, heard: keep, ...options }) });
  lab.open('toy', '/t');
  return { lab, heard };
}

describe('leaving a phase', () => {
  const begins = (lab: Lab): Out[] => [
    { do: 'after', ms: 100, event: { is: 'alarm' } },
    { do: 'run', task: 'work', input: 1 },
    { do: 'watch', who: lab.at('/other') },
    { do: 'ask', to: lab.at('/other'), message: letter((s) => [s, []]), ms: 50 },
  ];

  it('ends its timers, tasks, watches and asks', async () => {
    const { runs, tasks } = work();
    const { lab, heard } = bed({ tasks: tasks as never });
    lab.open('toy', '/other');
    lab.tell('/t', (state) => [state, begins(lab)]);
    await lab.run();
    expect([runs.length, lab.node.asks.size]).toEqual([1, 1]);
    lab.tell('/t', go('off'));
    await lab.run();
    expect(runs[0]?.signal.aborted).toBe(true);
    expect(lab.node.asks.size).toBe(0);
    runs[0]?.ok('late');
    lab.node.routes.find('/other')?.halt('test');
    await lab.pass(1_000);
    expect(heard).toEqual([]);
    expect(lab.clock.waiting).toBe(0);
  });

  it('is what a new round is too, and what a change of anything else is not', async () => {
    const { lab, heard } = bed({ enter: ({ round }) => (round ? [note(`round ${round}`)] : []) });
    lab.tell('/t', (state) => [state, [{ do: 'after', ms: 100, event: { is: 'alarm' } }]]);
    lab.tell('/t', (state) => [{ ...state, x: 1 }, []]);
    await lab.run();
    await lab.pass(100);
    expect(heard).toEqual([{ is: 'alarm' }]);
    lab.tell('/t', (state) => [state, [{ do: 'after', ms: 100, event: { is: 'alarm' } }]]);
    lab.tell('/t', (state) => [{ ...state, round: 1 }, []]);
    lab.tell('/t', (state) => [{ ...state, round: 2 }, []]);
    await lab.pass(1_000);
    expect(heard).toEqual([{ is: 'alarm' }]);
    expect(lab.notes).toEqual(['info /t round 1', 'info /t round 2']);
  });

  it('makes a stranger of an answer that waits in the mailbox already', async () => {
    const { lab, heard } = bed();
    lab.tell('/t', (state) => [state, [{ do: 'after', ms: 100, event: { is: 'alarm' } }]]);
    await lab.run();
    const actor = lab.node.routes.find('/t');
    // The alarm is posted, and the system lane is played first: the scope must end in between.
    lab.clock.pass(100, () => {});
    expect(actor?.waiting).toBe(1);
    lab.node.routes.find('/t')?.scope.leave();
    await lab.run();
    expect(heard).toEqual([]);
  });

  it('lets only tells, answers and notes of the turns before it be performed', async () => {
    const { runs, tasks } = work();
    const { lab, heard } = bed({ tasks: tasks as never });
    lab.open('toy', '/other');
    await lab.run();
    lab.store.byHand = true;
    const all: Out[] = [
      note('noted'),
      { do: 'tell', to: lab.at('/other'), message: letter((s) => [s, [note('told')]]) },
      ...begins(lab),
      { do: 'spawn', family: 'toy', name: 'c', args: 0 },
      { do: 'stop', why: 'no' },
    ];
    lab.ask('/t', (state, ask) => [{ ...state, x: 1 }, [...all, { do: 'reply', ask, body: {} }]]);
    lab.ask('/t', (state, ask) => [
      { ...state, x: 2 },
      [{ do: 'refuse', ask, failure: failure('full', '') }],
    ]);
    lab.tell('/t', go('off'));
    await lab.run();
    lab.store.end('committed', 3);
    await lab.run();
    expect(lab.notes).toEqual(['info /t noted', 'info /other told']);
    expect(lab.answers.map(({ ok }) => ok)).toEqual([true, false]);
    expect([runs.length, lab.node.asks.size, lab.node.routes.size]).toEqual([0, 0, 2]);
    await lab.pass(1_000);
    expect(heard).toEqual([]);
  });

  it('is followed by what the next asks for, after the save', async () => {
    const enter = ({ phase }: Toy) => [note(`enter ${phase}`)];
    const { lab } = bed({ enter });
    await lab.run();
    lab.store.byHand = true;
    lab.tell('/t', go('off', note('of the turn')));
    await lab.run();
    expect(lab.notes).toEqual(['info /t enter on']);
    lab.store.end();
    expect(lab.notes.slice(1)).toEqual(['info /t of the turn', 'info /t enter off']);
  });
});

describe('a task', () => {
  it('ends as an event with its key, its value or its failure', async () => {
    const { runs, tasks } = work();
    const { lab, heard } = bed({ tasks: tasks as never });
    const start = (key: string): Out => ({ do: 'run', task: 'work', input: key, key });
    lab.tell('/t', (state) => [state, ['a', 'b', 'c'].map(start)]);
    await lab.run();
    runs[1]?.bad(new Failed('quota', 'no more'));
    runs[0]?.ok(42);
    runs[2]?.bad(new TypeError('a bug'));
    await lab.run();
    expect(heard).toMatchObject([
      { is: 'failed', task: 'work', key: 'b', failure: { code: 'quota', text: 'no more' } },
      { is: 'done', task: 'work', key: 'a', value: 42 },
      { is: 'failed', key: 'c', failure: { code: 'bug', text: 'TypeError: a bug' } },
    ]);
    expect(lab.notes.length).toBe(1);
  });

  it('that does not exist ends the actor, and nobody else', async () => {
    const { lab } = bed();
    lab.open('toy', '/other');
    lab.tell('/t', (state) => [state, [{ do: 'run', task: 'wrok', input: 0 }]]);
    await lab.run();
    expect(lab.node.routes.find('/t')).toBeUndefined();
    expect(lab.node.routes.find('/other')).toBeDefined();
  });

  it('tells of its progress into the phase that began it', async () => {
    let emit = (_: object): void => {};
    const tasks = {
      work: (_: unknown, context: { emit: (event: object) => void }) => {
        emit = context.emit;
        return new Promise(() => {});
      },
    };
    const { lab, heard } = bed({ tasks: tasks as never });
    lab.tell('/t', (state) => [state, [{ do: 'run', task: 'work', input: 0 }]]);
    await lab.run();
    emit({ is: 'half' });
    await lab.run();
    lab.tell('/t', go('off'));
    await lab.run();
    emit({ is: 'whole' });
    await lab.run();
    expect(heard).toEqual([{ is: 'half' }]);
  });
});
