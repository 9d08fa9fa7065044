import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  append,
  type ByteQueue,
  byteQueue,
  copyOut,
  drop,
  shift,
} from '../../../src/protocol/streams/byte-queue.ts';

const peek = (queue: ByteQueue, from: number, max: number): number[] => {
  const target = new Uint8Array(3 + Math.max(0, Math.min(max, queue.length - from)));
  copyOut(queue, from, target, 3);
  return [...target.subarray(3)];
};

test('it holds the bytes of an array, whatever the chunks', () => {
  const chunk = fc.oneof(fc.nat({ max: 40 }), fc.integer({ min: 7_000, max: 9_000 }));
  const step = fc.record({ does: fc.constantFrom('append', 'append', 'drop', 'shift'), chunk });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = byteQueue();
      let model: number[] = [];
      let next = 0;
      for (const { does, chunk } of steps) {
        if (does === 'append') {
          const bytes = Uint8Array.from({ length: chunk }, () => (next++ * 7) & 0xff);
          append(queue, bytes);
          model = model.concat([...bytes]);
        } else if (does === 'drop') {
          const count = Math.min(chunk, queue.length);
          drop(queue, count);
          model = model.slice(count);
        } else {
          model = model.slice(shift(queue)?.length ?? 0);
        }
        expect(queue.length).toBe(model.length);
        const from = Math.floor(model.length / 3);
        expect(peek(queue, from, 50)).toEqual(model.slice(from, from + 50));
      }
      expect(peek(queue, 0, queue.length)).toEqual(model);
    }),
  );
});

test('many small chunks cost few buffers', () => {
  const queue = byteQueue();
  for (let at = 0; at < 100_000; at += 1) append(queue, Uint8Array.of(at & 0xff));
  expect(queue.length).toBe(100_000);
  expect(queue.chunks.length).toBeLessThan(20);
});

test('a small chunk may be written over by its owner', () => {
  const queue = byteQueue();
  const mine = Uint8Array.of(1, 2, 3);
  append(queue, mine);
  mine.fill(9);
  expect([...(shift(queue) ?? [])]).toEqual([1, 2, 3]);
});
