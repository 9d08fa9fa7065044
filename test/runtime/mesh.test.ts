import { beforeEach, describe, expect, it } from 'vitest';
import type { Envelope } from '../../src/protocol/envelope.ts';
import type { Message } from '../../src/protocol/messages.ts';
import type { Door, Who } from '../../src/protocol/who.ts';
import type { Answer } from '../../src/runtime/asks.ts';
import { Lab, type Out, pools, toy } from './lab.ts';

/** Two nodes, `a` and `b`, and an ordered link between them that a test delivers and cuts. */
class Pair {
  readonly heard: { at: string; is: string; [key: string]: unknown }[] = [];
  readonly flying: { from: string; to: string; envelope: Envelope }[] = [];
  up = true;
  /** The last question that was not answered. */
  owed = 0;
  readonly doors: Record<string, Door> = { a: 'head', b: 'worker' };
  a = this.lab('a');
  b = this.lab('b');

  lab(name: string): Lab {
    const heard = (event: object): void => {
      this.heard.push({ at: name, is: '', ...event });
    };
    const send = (to: string, envelope: Envelope): boolean => {
      if (this.up) this.flying.push({ from: name, to, envelope: structuredClone(envelope) });
      return this.up;
    };
    const hears = ['job.report', 'runner.order', 'job.create', 'job.cancel'];
    const families = {
      toy: toy({ heard, hears }),
      // Answers orders at once, or never.
      prompt: toy({ heard, hears, play: (s, ask) => [s, [{ do: 'reply', ask, body: { name } }]] }),
      owing: toy({
        heard,
        hears,
        play: (state, ask) => {
          this.owed = ask;
          return [state, []];
        },
      }),
      pool: pools('toy', ['runner.order']),
    };
    const lab = new Lab(families, name, { send });
    const policy = { max: 1, withinMs: 1, backoff: { minMs: 1, maxMs: 1 }, openPerStep: 1 };
    for (const path of ['/runners', '/jobs'])
      lab.open('pool', path, { policy, family: 'toy', live: [] });
    return lab;
  }

  async run(): Promise<void> {
    do {
      await this.a.run();
      await this.b.run();
      for (const { from, to, envelope } of this.flying.splice(0))
        this[to as 'a' | 'b'].node.routes.receive({ door: this.doors[from]!, id: from }, envelope);
      await this.a.run();
      await this.b.run();
    } while (this.flying.length > 0);
  }

  /** What was in flight is lost, and both ends hear that the link is down. */
  cut(): void {
    this.up = false;
    this.flying.length = 0;
    this.a.node.routes.unlinked('b');
    this.b.node.routes.unlinked('a');
  }
}

const order = (runner: string): Message =>
  ({ name: 'runner.order', body: { runner } }) as unknown as Message;
const report = (job: string): Message =>
  ({ name: 'job.report', body: { job } }) as unknown as Message;

let pair: Pair;
beforeEach(async () => {
  pair = new Pair();
  await pair.run();
});

/** Has the toy at `/t` of `a` perform effects. */
const doAt = (lab: Lab, ...effects: Out[]): void => {
  if (lab.node.routes.find('/t') === undefined) lab.open('toy', '/t');
  lab.tell('/t', (state) => [state, effects]);
};

/** What was told to actors of a node by others than the test itself. */
const told = (node: string) =>
  pair.heard.filter(
    (event) => event.at === node && event.is === 'told' && (event['who'] as Who).id !== 'test',
  );
const at = (place: string) => pair.heard.filter((event) => event.at === place);

describe('a message to another node', () => {
  it('arrives with the identity of the link, whatever it says of itself', async () => {
    pair.b.open('prompt', '/runners/r');
    doAt(pair.a, {
      do: 'tell',
      to: pair.b.at('/runners/r'),
      message: order('r'),
      as: { door: 'operator', id: 'op' },
    });
    pair.a.open('prompt', '/jobs/j');
    doAt(pair.b, {
      do: 'tell',
      to: pair.a.at('/jobs/j'),
      message: report('j'),
      as: { door: 'operator', id: 'op' },
    });
    await pair.run();
    // A head may speak for its terminals; a worker speaks for itself.
    expect(told('b')).toMatchObject([{ who: { door: 'operator', id: 'op' } }]);
    expect(told('a')).toMatchObject([{ who: { door: 'worker', id: 'b' } }]);
  });

  it('never makes its sender local', async () => {
    pair.b.open('prompt', '/runners/r');
    doAt(pair.a, { do: 'tell', to: pair.b.at('/runners/r'), message: order('r') });
    await pair.run();
    expect(told('b')).toMatchObject([{ who: { door: 'head', id: 'a' } }]);
  });

  it('is answered over the link, to whom asked', async () => {
    pair.b.open('prompt', '/runners/r');
    doAt(pair.a, {
      do: 'ask',
      to: pair.b.at('/runners/r'),
      message: order('r'),
      ms: 1_000,
      key: 'k',
    });
    await pair.run();
    expect(at('a').filter(({ is }) => is === 'answered')).toMatchObject([
      { key: 'k', name: 'runner.order', body: { name: 'b' } },
    ]);
    expect([pair.a.node.asks.size, pair.b.node.asks.size]).toEqual([0, 0]);
  });

  it('is refused at the door: a name that may not come from there, or to there', async () => {
    pair.a.open('prompt', '/jobs/j');
    const answers: Answer[] = [];
    const self: Who = { door: 'local', id: '/t' };
    const ask = (to: string, message: Message): void => {
      pair.b.node.routes.ask(pair.a.at(to), message, 1_000, self, (a) => answers.push(a));
    };
    // Only heads order; a report is for the job it names; local calls stay local.
    ask('/runners/r', order('r'));
    ask('/jobs/j', report('other'));
    ask('/jobs/j', { name: 'job.place', body: { id: 'j' } } as unknown as Message);
    ask('/jobs/j', { name: 'job.list', body: {} } as unknown as Message);
    await pair.run();
    expect(answers.map((a) => (a.ok ? 'ok' : a.failure.code))).toEqual(Array(4).fill('forbidden'));
    expect(told('a')).toEqual([]);
  });

  it('opens a child only by a message that may, and tells of unknown ones', async () => {
    const answers: Answer[] = [];
    const self: Who = { door: 'local', id: '/t' };
    pair.b.node.routes.ask(pair.a.at('/jobs/x'), report('x'), 1_000, self, (a) => answers.push(a));
    await pair.run();
    expect(answers).toMatchObject([{ ok: false, failure: { code: 'not_found', text: 'no x' } }]);
  });

  it('is unreachable without a link, at once', async () => {
    pair.cut();
    doAt(
      pair.a,
      { do: 'ask', to: pair.b.at('/runners/r'), message: order('r'), ms: 1_000, key: 'k' },
      { do: 'ask', to: { node: '@', path: '/jobs/j' }, message: report('j'), ms: 1_000, key: 'l' },
    );
    await pair.run();
    expect(at('a').filter(({ is }) => is === 'unanswered')).toMatchObject([
      { key: 'k', failure: { code: 'unreachable', text: 'no link to b' } },
      { key: 'l', failure: { code: 'unreachable', text: 'nobody leads now' } },
    ]);
  });
});

describe('a link that goes down', () => {
  it('fails what was asked of the other end, and drops what that end had asked', async () => {
    pair.b.open('owing', '/runners/r');
    const to = pair.b.at('/runners/r');
    doAt(pair.a, { do: 'ask', to, message: order('r'), ms: 9e9, key: 'k' });
    await pair.run();
    // The order was heard and not answered: `b` owes an answer.
    expect([pair.a.node.asks.size, pair.b.node.asks.size]).toEqual([1, 1]);
    pair.cut();
    await pair.run();
    expect(at('a').filter(({ is, key }) => is === 'unanswered' && key === 'k')).toMatchObject([
      { failure: { code: 'unreachable' } },
    ]);
    expect([pair.a.node.asks.size, pair.b.node.asks.size]).toEqual([0, 0]);
  });

  it('carries no answer to a question of the same number on the next link', async () => {
    pair.b.open('owing', '/runners/r');
    const answers: Answer[] = [];
    const self: Who = { door: 'local', id: '/t' };
    const ask = (): number =>
      pair.a.node.routes.ask(pair.b.at('/runners/r'), order('r'), 9e9, self, (a) =>
        answers.push(a),
      );
    const first = ask();
    await pair.run();
    expect(pair.owed).not.toBe(0);
    // `a` dies and comes back: its questions have the same numbers again.
    pair.cut();
    pair.a = pair.lab('a');
    pair.up = true;
    await pair.run();
    answers.length = 0;
    const again = ask();
    expect(again).toBe(first);
    pair.b.node.asks.answer(pair.owed, { ok: true, body: { old: true } });
    pair.flying.reverse();
    await pair.run();
    expect(answers).toEqual([]);
  });

  it('takes answers only from the node that was asked', async () => {
    const answers: Answer[] = [];
    const ask = pair.a.node.asks.open('b', 'runner.order', 9e9, (a) => answers.push(a));
    const reply = { is: 'reply', ask, name: 'runner.order', body: {} } as const;
    pair.a.node.routes.receive({ door: 'worker', id: 'c' }, reply);
    pair.a.node.routes.receive({ door: 'worker', id: 'b' }, { ...reply, name: 'node.hello' });
    pair.a.node.routes.receive(
      { door: 'worker', id: 'c' },
      { is: 'refused', ask, failure: { code: 'busy', text: '', retry: true } },
    );
    expect(answers).toEqual([]);
    pair.a.node.routes.receive({ door: 'worker', id: 'b' }, reply);
    expect(answers).toEqual([{ ok: true, body: {} }]);
  });
});

describe('a watch', () => {
  const downs = () => pair.heard.filter(({ is }) => is === 'down').map(({ why }) => why);
  const watch = (place: Lab, path: string): void =>
    doAt(pair.a, { do: 'watch', who: place.at(path) });

  it.each(['a', 'b'] as const)('tells once of an end on node %s', async (name) => {
    const target = pair[name].open('toy', '/target');
    watch(pair[name], '/target');
    await pair.run();
    expect(downs()).toEqual([]);
    target.halt('enough');
    await pair.run();
    expect(downs()).toEqual(['enough']);
    pair[name].open('toy', '/target').halt('again');
    await pair.run();
    expect(downs()).toEqual(['enough']);
    expect(pair.a.node.routes.find('/t')?.scope.size).toBe(0);
  });

  it.each(['a', 'b'] as const)('of nobody tells so, on node %s', async (name) => {
    watch(pair[name], '/nobody');
    await pair.run();
    await pair.a.pass(0);
    await pair.b.pass(0);
    await pair.run();
    expect(downs()).toEqual(['nobody is there']);
  });

  it('on another node ends with the link, and tells so', async () => {
    const target = pair.b.open('toy', '/target');
    watch(pair.b, '/target');
    await pair.run();
    pair.cut();
    await pair.run();
    expect(downs()).toEqual(['unreachable']);
    pair.up = true;
    target.halt('late');
    await pair.b.run();
    // The number of the watch is good for one link: on the next it may be another's.
    expect(pair.flying).toEqual([]);
  });

  it('without a link tells at once', async () => {
    pair.cut();
    watch(pair.b, '/target');
    await pair.run();
    await pair.a.pass(0);
    expect(downs()).toEqual(['unreachable']);
  });

  it('that nobody wants any more leaves nothing behind on either node', async () => {
    const target = pair.b.open('toy', '/target');
    watch(pair.b, '/target');
    await pair.run();
    pair.a.node.routes.find('/t')?.scope.leave();
    await pair.run();
    target.halt('unheard');
    await pair.b.run();
    expect(pair.flying).toEqual([]);
  });
});
