import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  close,
  id,
  join,
  listen,
  lose,
  open,
  other,
  put,
  read,
  type Side,
  send,
  settle,
  small,
  type World,
  world,
} from './streams-world.ts';

const steps = fc.array(
  fc.record({
    does: fc.constantFrom(
      ...(['open', 'put', 'put', 'put', 'read', 'read', 'close'] as const),
      ...([
        'send',
        'send',
        'send',
        'hear',
        'hear',
        'hear',
        'twice',
        'join',
        'join',
        'lose',
      ] as const),
    ),
    first: fc.boolean(),
    stream: fc.integer({ min: 1, max: 3 }),
    count: fc.integer({ min: 1, max: 90 }),
  }),
  { maxLength: 150, size: 'max' },
);
type Step = typeof steps extends fc.Arbitrary<readonly (infer S)[]> ? S : never;

function act(w: World, step: Step): void {
  const s = step.first ? w.a : w.b;
  const h = s.halves.get(id(step.stream));
  const few = 1 + (step.count % 5);
  if (step.does === 'open') open(w, s, step.stream);
  if (step.does === 'put' && h) put(s, h, step.count);
  if (step.does === 'read' && h) read(s, h, step.count);
  if (step.does === 'close' && h && step.count < 20) close(s, h);
  if (step.does === 'send') send(w, s, few, step.count % 2 === 0);
  if (step.does === 'hear') listen(w, s, few);
  if (step.does === 'twice') listen(w, s, few, true);
  if (step.does === 'join') join(w, s);
  if (step.does === 'lose') lose(w, s);
}

/** What must hold of a side at every step; asked so often that matchers would take seconds. */
function check(w: World, s: Side): void {
  for (const h of s.halves.values()) {
    const written = other(w, s).halves.get(h.end.id)?.written ?? 0;
    const wrong =
      (h.failed !== '' && `failed with ${h.failed}`) ||
      (h.unread > small.windowBytes && 'more unread than the window') ||
      (h.end.out.queue.length > small.windowBytes && 'more kept than the window') ||
      (h.heard > written && 'more heard than was written') ||
      (h.endHeard && h.heard !== written && 'the end before the last byte');
    if (wrong) throw new Error(`${s.name} ${h.end.id}: ${wrong}`);
  }
}

test('whatever is cut, doubled or slow, the bytes arrive once and in order', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const w = world();
      for (const step of all) {
        act(w, step);
        check(w, w.a);
        check(w, w.b);
      }
      join(w, w.a);
      while (w.a.link !== w.b.link) join(w, w.a.link < w.b.link ? w.a : w.b);
      settle(w);
      for (const s of [w.a, w.b]) {
        for (const h of s.halves.values()) {
          // All is read, and credit for it has come: the writer does not wait for ever.
          expect(h.end.out.queue.length).toBeLessThan(small.windowBytes / 4);
          close(s, h);
        }
      }
      settle(w);
      for (const s of [w.a, w.b]) {
        check(w, s);
        for (const h of s.halves.values()) {
          expect(h.heard).toBe(other(w, s).halves.get(h.end.id)?.written);
          expect(h.endRead).toBe(true);
          expect(h.end.answer).toEqual({ hello: h.end.body });
        }
        expect(s.all.ends.size).toBe(0);
      }
    }),
    { numRuns: 400 },
  );
});
