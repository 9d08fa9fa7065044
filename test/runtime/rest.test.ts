import { describe, expect, it } from 'vitest';
import { keeping, Lab, type Out, type Play, pools, type ToyOptions, toy } from './lab.ts';

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

/** A pool at `/p` of toys that are kept, and rest when idle. */
async function bed(options: ToyOptions = {}) {
  const lab = new Lab({
    rester: toy({ keeping, rests: () => true, ...options }),
    pool: pools('rester', ['job.create']),
  });
  const backoff = { minMs: 100, maxMs: 1_000 };
  lab.open('pool', '/p', {
    policy: { max: 2, withinMs: 60_000, backoff, openPerStep: 10 },
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

/** Thousands of letters to five children, on a disk that is slow now and then. */
async function busyDay(lab: Lab, rough: boolean) {
  const sent: { readonly path: string; readonly n: number }[] = [];
  let x = 12_345;
  const dice = (sides: number): number => {
    x = (Math.imul(x, 1_103_515_245) + 12_345) >>> 0;
    return (x >>> 8) % sides;
  };
  for (let n = 0; n < 3_000; n++) {
    const path = `/p/${dice(5)}`;
    const bad = rough ? dice(40) : -1;
    if (bad === 0) lab.tell(path, boom);
    else if (bad === 1) lab.tell(path, (state) => [state, [{ do: 'stop', why: 'enough' }]]);
    else {
      sent.push({ path, n });
      lab.tell(path, keep(n, note(`${n}`)));
    }
    if (dice(3) === 0) lab.hands.run();
    lab.store.byHand = dice(2) === 0;
    if (dice(4) === 0) lab.store.end('committed', dice(4));
    if (dice(10) === 0) await lab.pass(dice(300));
  }
  lab.store.byHand = false;
  await lab.pass(100_000);
  return sent;
}

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

  it('is opened again by what it was told after its stop and before its end', async () => {
    const lab = await bed();
    lab.tell('/p/x', keep(1));
    await lab.run();
    lab.store.byHand = true;
    lab.tell('/p/x', keep(2));
    lab.tell('/p/x', keep(3));
    lab.ask('/p/x', (state) => [state, [{ do: 'stop', why: 'enough' }]]);
    await lab.run();
    // Both saves and the stop were played; the stop waits for the saves.
    lab.tell('/p/x', say('after the stop'));
    lab.store.end('committed', 2);
    expect(lab.answers).toMatchObject([{ ok: false, failure: { code: 'stopping' } }]);
    lab.store.byHand = false;
    await lab.run();
    expect(noted(lab, '/p/x')).toEqual(['after the stop']);
  });

  it.each([
    ['quiet', false],
    ['rough', true],
  ])('loses and doubles no letter on a %s day, and keeps their order', async (_, rough) => {
    const lab = await bed();
    const sent = await busyDay(lab, rough);
    const played = lab.notes.filter((line) => line.startsWith('info '));
    for (let child = 0; child < 5; child++) {
      const path = `/p/${child}`;
      const seen = played
        .filter((line) => line.startsWith(`info ${path} `))
        .map((line) => Number(line.split(' ')[2]));
      const all = sent.filter((letter) => letter.path === path).map(({ n }) => n);
      expect(seen).toEqual(seen.toSorted((a, b) => a - b));
      expect(new Set(seen).size).toBe(seen.length);
      // A crash or a stop takes what was not durable with it; nothing else may be missing.
      if (!rough) expect(seen).toEqual(all);
      else expect(seen.length).toBeGreaterThan(all.length / 2);
    }
  });

  it('is left alone after too many crashes, which is noted, and comes back by itself', async () => {
    const busy: Out = { do: 'after', ms: 1e9, event: { is: 'never' } };
    const lab = await bed({ enter: () => [busy] });
    lab.tell('/p/x', keep(1));
    for (let crash = 0; crash < 3; crash++) {
      await lab.run();
      lab.tell('/p/x', boom);
      await lab.pass(crash < 2 ? 200 : 0);
    }
    expect(lab.notes.at(-1)).toBe('error /p leaves a child alone for a while: it ends too often');
    lab.ask('/p/x', (state, ask) => [state, [{ do: 'reply', ask, body: {} }]], 90_000);
    await lab.pass(59_000);
    expect(lab.node.routes.find('/p/x')).toBeUndefined();
    await lab.pass(1_000);
    expect(lab.answers).toEqual([{ ok: true, body: {} }]);
    expect(lab.node.routes.find('/p/x')?.state).toEqual({ phase: 'on', x: 1 });
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
