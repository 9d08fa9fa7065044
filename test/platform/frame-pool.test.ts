import { expect, test } from 'vitest';
import { framePool } from '../../src/platform/frame-pool.ts';

const bytes = 16_000;

test('a buffer is used again only when its bytes are with the system', () => {
  const pool = framePool(bytes);
  const first = pool.take(bytes);
  pool.sent(first);
  const second = pool.take(bytes);
  pool.sent(second);
  expect(second.buffer === first.buffer).toBe(false);
  pool.settle(2 * bytes);
  const third = pool.take(bytes);
  expect([first.buffer, second.buffer].includes(third.buffer)).toBe(false);
  pool.sent(third);
  // The link holds as much as the last two frames, so the first is gone.
  pool.settle(2 * bytes);
  const fourth = pool.take(bytes);
  expect(fourth.buffer === first.buffer).toBe(true);
  pool.sent(fourth);
  pool.settle(2 * bytes + 1);
  expect(pool.take(bytes).buffer === second.buffer).toBe(false);
  pool.settle(2 * bytes);
  expect(pool.take(bytes).buffer === second.buffer).toBe(true);
});

test('what a lost link held is left alone', () => {
  const pool = framePool(bytes);
  const frame = pool.take(bytes);
  pool.sent(frame);
  pool.abandon();
  pool.settle(0);
  const fresh = [1, 2, 3, 4, 5, 6, 7, 8].map(() => pool.take(bytes).buffer);
  expect(fresh.includes(frame.buffer)).toBe(false);
});

test('other frames count, though they have buffers of their own', () => {
  const pool = framePool(bytes);
  const frame = pool.take(bytes);
  pool.sent(frame);
  pool.sent(pool.take(100));
  pool.settle(100);
  expect(pool.take(bytes).buffer === frame.buffer).toBe(true);
  expect(pool.take(100_000)).toHaveLength(100_000);
});
