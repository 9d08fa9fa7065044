import { describe, expect, it } from 'vitest';
import { failure } from '../../src/protocol/errors.ts';
import { limits } from '../../src/protocol/limits.ts';
import { keeping, Lab, letter, type Out, type Play, type ToyOptions, toy } from './lab.ts';

const note = (text: string): Out => ({ do: 'note', text });
/** Sets a part, and notes `text`. */
const set =
  (part: string, value: unknown, ...texts: string[]): Play =>
  (state) => [{ ...state, [part]: value }, texts.map(note)];
const look =
  (text: string): Play =>
  (state) => [state, [note(text)]];

const saved = (options: ToyOptions = {}): Lab => {
  const lab = new Lab({ toy: toy({ keeping, ...options }) });
  lab.store.byHand = true;
  lab.open('toy', '/t');
  return lab;
};

const noted = (lab: Lab): string[] => lab.notes.map((line) => line.split(' ').slice(2).join(' '));

describe('an actor that is kept', () => {
  it('saves its first state before it performs what entering asks for', async () => {
    const lab = saved({ enter: () => [note('entered')] });
    await lab.run();
    expect(lab.store.asked).toEqual([['r/t#head']]);
    expect(noted(lab)).toEqual([]);
    lab.store.end();
    expect(noted(lab)).toEqual(['entered']);
  });

  it('performs what a turn asks for only when its save and all before are durable', async () => {
    const lab = saved();
    await lab.run();
    lab.store.end();
    lab.tell('/t', set('x', 1, 'one', 'more of one'));
    lab.tell('/t', set('x', 2, 'two'));
    await lab.run();
    // Both letters were played: the second did not wait for the save of the first.
    expect(lab.store.open.length).toBe(2);
    expect(noted(lab)).toEqual([]);
    lab.store.end();
    expect(noted(lab)).toEqual(['one', 'more of one']);
    lab.store.end();
    expect(noted(lab)).toEqual(['one', 'more of one', 'two']);
  });

  it('holds a turn that changes nothing behind the saves before it', async () => {
    const lab = saved();
    await lab.run();
    lab.store.end();
    lab.tell('/t', look('at once'));
    await lab.run();
    expect(noted(lab)).toEqual(['at once']);
    lab.tell('/t', set('x', 1, 'saved'));
    lab.tell('/t', look('behind'));
    await lab.run();
    expect(lab.store.open.length).toBe(1);
    expect(noted(lab)).toEqual(['at once']);
    lab.store.end();
    expect(noted(lab)).toEqual(['at once', 'saved', 'behind']);
  });

  it('answers an ask only when the state that it promises is durable', async () => {
    const lab = saved();
    await lab.run();
    lab.store.end();
    lab.ask('/t', (state, ask) => [{ ...state, x: 1 }, [{ do: 'reply', ask, body: { y: 1 } }]]);
    await lab.run();
    expect(lab.answers).toEqual([]);
    lab.store.end();
    expect(lab.answers).toEqual([{ ok: true, body: { y: 1 } }]);
  });

  it('writes only the parts whose identity changed, and index keys that came or went', async () => {
    const chunk = { big: 'chunk' };
    const lab = saved({ init: { phase: 'on', a: chunk, b: chunk } });
    await lab.run();
    lab.tell('/t', set('b', { big: 'other' }));
    lab.tell('/t', set('live', true));
    lab.tell('/t', set('a', { big: 'other' }));
    lab.tell('/t', set('live', false));
    lab.tell('/t', ({ phase }) => [{ phase }, []]);
    await lab.run();
    expect(lab.store.asked).toEqual([
      ['r/t#head', 'r/t#a', 'r/t#b'],
      ['r/t#b'],
      ['r/t#live', 'ilive/t#/t'],
      ['r/t#a'],
      ['r/t#live', '-ilive/t#/t'],
      ['-r/t#a', '-r/t#b', '-r/t#live'],
    ]);
  });

  it('does not trouble the disk for a state whose parts are all the same', async () => {
    const lab = saved({ init: { phase: 'on', a: 1 } });
    await lab.run();
    lab.tell('/t', (state) => [{ ...state }, [note('the same')]]);
    await lab.run();
    expect(lab.store.asked.length).toBe(1);
    expect(noted(lab)).toEqual([]);
    lab.store.end();
    expect(noted(lab)).toEqual(['the same']);
  });

  it('plays no further letter while too many saves are in flight, and goes on after', async () => {
    const lab = saved();
    await lab.run();
    for (let i = 0; i < limits.savesInFlightMax + 9; i++) lab.tell('/t', set('x', i, `${i}`));
    await lab.run();
    expect(lab.store.open.length).toBe(limits.savesInFlightMax);
    while (lab.store.open.length > 0) {
      lab.store.end();
      await lab.run();
      expect(lab.store.open.length).toBeLessThanOrEqual(limits.savesInFlightMax);
    }
    expect(noted(lab)).toEqual(
      Array.from({ length: limits.savesInFlightMax + 9 }, (_, i) => `${i}`),
    );
  });

  it('comes back as it was saved, and enters its phase again', async () => {
    const enter = (state: { phase: string }) => [note(`enter ${state.phase}`)];
    const lab = saved({ enter });
    lab.store.byHand = false;
    await lab.run();
    lab.tell('/t', (state) => [{ ...state, phase: 'off', round: 3, x: 7 }, []]);
    await lab.run();
    lab.node.routes.find('/t')?.halt('test');
    lab.open('toy', '/t');
    await lab.run();
    expect(lab.node.routes.find('/t')?.state).toEqual({ phase: 'off', round: 3, x: 7 });
    expect(noted(lab)).toEqual(['enter on', 'enter off', 'enter off']);
  });

  it('loads without writing all that it loaded again', async () => {
    const lab = saved({ init: { phase: 'on', a: 1, b: 2, live: true } });
    lab.store.byHand = false;
    await lab.run();
    lab.node.routes.find('/t')?.halt('test');
    lab.open('toy', '/t');
    await lab.run();
    expect(lab.store.asked.length).toBe(1);
    lab.tell('/t', set('b', 3));
    await lab.run();
    expect(lab.store.asked[1]).toEqual(['r/t#b']);
  });
});

describe('an actor whose save ends unknown', () => {
  it('ends; nothing held is performed, and who asked hears that nobody knows', async () => {
    const lab = saved();
    await lab.run();
    lab.store.end();
    lab.ask('/t', (state, ask) => [
      { ...state, x: 1 },
      [note('never'), { do: 'reply', ask, body: {} }],
    ]);
    lab.tell('/t', set('x', 2, 'nor this'));
    await lab.run();
    lab.store.end('unknown');
    expect(lab.answers).toMatchObject([{ ok: false, failure: { code: 'unknown_outcome' } }]);
    expect(lab.node.routes.find('/t')).toBeDefined();
    lab.store.end('unknown', 1, true);
    expect(lab.node.routes.find('/t')).toBeUndefined();
    expect(noted(lab).filter((text) => !text.startsWith('crashed'))).toEqual([]);
  });

  it('takes no turn for what came later', async () => {
    const lab = saved();
    await lab.run();
    lab.store.end();
    lab.tell('/t', set('x', 1));
    await lab.run();
    lab.store.end('unknown');
    let played = 0;
    lab.tell('/t', (state) => {
      played++;
      return [state, []];
    });
    await lab.run();
    expect(played).toBe(0);
  });
});

describe('a mailbox of an actor', () => {
  it('is bounded: what does not fit is refused as busy', async () => {
    const lab = saved();
    const count: Play = (state) => [state, []];
    for (let i = 0; i < limits.mailboxMax; i++) lab.tell('/t', count);
    lab.ask('/t', count);
    expect(lab.answers).toEqual([
      { ok: false, failure: failure('busy', 'the mailbox of /t is full') },
    ]);
    lab.store.byHand = false;
    await lab.run();
    lab.ask('/t', (state, ask) => [state, [{ do: 'reply', ask, body: {} }]]);
    await lab.run();
    expect(lab.answers[1]).toEqual({ ok: true, body: {} });
  });

  it('hands the loop back after a bounded number of letters', async () => {
    const lab = saved();
    lab.store.byHand = false;
    await lab.run();
    const before = lab.hands.plays;
    for (let i = 0; i < limits.drainMax * 4; i++) lab.tell('/t', (state) => [state, []]);
    lab.hands.run();
    expect(lab.hands.plays - before).toBeGreaterThanOrEqual(4);
  });

  it('takes only letters that its family hears', async () => {
    const lab = saved();
    lab.ask('/t', (state) => [state, []], 1_000, 'job.cancel');
    await lab.run();
    expect(lab.answers).toMatchObject([{ ok: false, failure: { code: 'wrong_phase' } }]);
  });
});

describe('an answer', () => {
  it('to a question that was not put to this life is dropped', async () => {
    const lab = saved();
    lab.store.byHand = false;
    let foreign = 0;
    lab.tell('/t', (state) => [state, [{ do: 'reply', ask: foreign, body: { wrong: true } }]]);
    foreign = lab.node.asks.open('b', 'job.create', 1_000, (answer) => lab.answers.push(answer));
    await lab.run();
    expect(lab.answers).toEqual([]);
    expect(lab.node.asks.isOpen(foreign)).toBe(true);
  });

  it('is given once', async () => {
    const lab = saved();
    lab.store.byHand = false;
    lab.ask('/t', (state, ask) => [
      state,
      [
        { do: 'reply', ask, body: { first: true } },
        { do: 'reply', ask, body: { second: true } },
        { do: 'refuse', ask, failure: failure('busy', '') },
      ],
    ]);
    await lab.run();
    expect(lab.answers).toEqual([{ ok: true, body: { first: true } }]);
  });

  it('is a refusal at once where nobody is, and where the asked one crashes or stops', async () => {
    const lab = saved();
    lab.store.byHand = false;
    await lab.run();
    lab.ask('/nobody', (state) => [state, []]);
    expect(lab.answers).toMatchObject([{ ok: false, failure: { code: 'unreachable' } }]);
    lab.ask('/t', () => {
      throw new Error('boom\nwith a second line');
    });
    await lab.run();
    expect(lab.answers[1]).toEqual({
      ok: false,
      failure: failure('bug', '/t ended: Error: boom', true),
    });
    lab.open('toy', '/t');
    lab.ask('/t', (state) => [state, [{ do: 'stop', why: 'enough' }]]);
    await lab.run();
    expect(lab.answers[2]).toMatchObject({ ok: false, failure: { code: 'stopping' } });
  });

  it('comes as an event, by its key and the name of what was asked', async () => {
    const heard: object[] = [];
    const lab = saved({ heard: (event) => heard.push(event) });
    lab.store.byHand = false;
    lab.open('toy', '/other');
    const to = lab.at('/other');
    const yes = letter((s, ask) => [s, [{ do: 'reply', ask, body: { yes: 1 } }]]);
    const no = letter((s, ask) => [s, [{ do: 'refuse', ask, failure: failure('full', 'no') }]]);
    lab.tell('/t', (state) => [
      state,
      [
        { do: 'ask', to, message: yes, ms: 1_000, key: 'k' },
        { do: 'ask', to, message: no, ms: 1_000 },
        { do: 'ask', to: lab.at('/gone'), message: no, ms: 1_000, key: 'g' },
      ],
    ]);
    await lab.run();
    expect(heard.filter((event) => (event as { is: string }).is !== 'told')).toMatchObject([
      { is: 'unanswered', key: 'g', failure: { code: 'unreachable' } },
      { is: 'answered', key: 'k', name: 'job.create', body: { yes: 1 } },
      { is: 'unanswered', key: '', failure: { code: 'full' } },
    ]);
  });
});
