import { expect, it } from 'vitest';
import { dialledBy, headsOf, unlessReplaced } from '../../src/node/group.ts';
import { Failed } from '../../src/protocol/errors.ts';
import type { Records } from '../../src/runtime/ports.ts';

const throwing = (error: Error): Records => ({
  get: () => {
    throw error;
  },
  range: () => {
    throw error;
  },
});

it('a head whose records are being replaced goes on without them', () => {
  expect(headsOf(throwing(new Failed('busy', 'being replaced')))).toEqual([]);
  expect(unlessReplaced(() => 1, 2)).toBe(1);
});

it('and hides nothing else that is wrong with them', () => {
  expect(() => headsOf(throwing(new Failed('corrupt', 'damaged')))).toThrow('damaged');
  expect(() => headsOf(throwing(new Error('a bug')))).toThrow('a bug');
});

it('a head dials those who were there before it', () => {
  const heads = ['a', 'b', 'c'].map((name) => ({ name, address: `${name}:1`, phase: 'member' }));
  const dials = (name: string) => dialledBy(name, heads as never);
  expect(['a', 'b', 'c', 'd'].map(dials)).toEqual([[], ['a:1'], ['a:1', 'b:1'], undefined]);
});
