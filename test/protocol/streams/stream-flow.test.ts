import { expect, test } from 'vitest';
import { Malformed } from '../../../src/protocol/errors.ts';
import {
  arrived,
  consumed,
  credited,
  endArrived,
  hasToSend,
  inflow,
  isDrained,
  isFinished,
  nextBytes,
  outflow,
  putBytes,
  rewind,
  roomOf,
  wasSent,
} from '../../../src/protocol/streams/stream-flow.ts';

const bytes = (...list: number[]) => Uint8Array.from(list);

test('bytes that came before are left out', () => {
  const flow = inflow(100);
  expect(arrived(flow, 0, bytes(1, 2, 3))).toEqual(bytes(1, 2, 3));
  expect(arrived(flow, 0, bytes(1, 2, 3))).toBeUndefined();
  expect(arrived(flow, 1, bytes(2, 3, 4, 5))).toEqual(bytes(4, 5));
  expect(flow.received).toBe(5);
});

test('the end is one offset, told once or again, never another', () => {
  const flow = inflow(100);
  arrived(flow, 0, bytes(1, 2));
  expect(endArrived(flow, 2)).toBe(true);
  expect(endArrived(flow, 2)).toBe(false);
  expect(() => endArrived(flow, 1)).toThrow(Malformed);
  expect(arrived(flow, 1, bytes(2))).toBeUndefined();
  expect(isDrained(flow)).toBe(false);
  consumed(flow, 3);
  expect(isDrained(flow)).toBe(true);
  expect(() => consumed(flow, 1)).toThrow(/more than/);
});

test('credit is due at a quarter of the window, and at the end, once', () => {
  const flow = inflow(8);
  arrived(flow, 0, bytes(1, 2, 3));
  endArrived(flow, 3);
  expect(consumed(flow, 1)).toBe(false);
  expect(consumed(flow, 1)).toBe(true);
  flow.credited = 2;
  expect(consumed(flow, 1)).toBe(false);
  expect(consumed(flow, 1)).toBe(true);
  flow.credited = 4;
  expect(consumed(flow, 0)).toBe(false);
});

test('what is not acknowledged is kept, up to the window, and sent again from the loss on', () => {
  const out = outflow(6);
  expect(putBytes(out, bytes(1, 2, 3, 4))).toBe(4);
  expect(putBytes(out, bytes(5, 6, 7, 8))).toBe(2);
  expect(roomOf(out)).toBe(0);
  wasSent(out, 6);
  credited(out, 2);
  expect(roomOf(out)).toBe(2);
  rewind(out, 3);
  const frame = bytes(9, 0, 0);
  nextBytes(out, frame, 1);
  expect(frame).toEqual(bytes(9, 4, 5));
  credited(out, 1);
  expect(roomOf(out)).toBe(2);
  credited(out, 5);
  expect(out.next).toBe(5);
  expect(() => rewind(out, 4)).toThrow(Malformed);
  expect(() => rewind(out, 7)).toThrow(Malformed);
  expect(() => credited(out, 7)).toThrow(Malformed);
});

test('the end is sent behind the last byte, and is finished by credit for itself', () => {
  const out = outflow(6);
  putBytes(out, bytes(1));
  wasSent(out, 1);
  expect(hasToSend(out)).toBe(false);
  out.ended = true;
  expect(hasToSend(out)).toBe(true);
  wasSent(out, 1);
  expect(hasToSend(out)).toBe(false);
  credited(out, 1);
  expect(isFinished(out)).toBe(false);
  credited(out, 2);
  expect(isFinished(out)).toBe(true);
  expect(out.queue.length).toBe(0);
});
