import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distance, nearest } from '../../src/protocol/didyoumean.ts';

const verbs = ['submit', 'jobs', 'show', 'cancel', 'requeue', 'logs', 'nodes', 'node-gone'];

describe('the nearest word', () => {
  it.each([
    ['sumbit', 'submit'],
    ['SUBMIT', 'submit'],
    ['job', 'jobs'],
    ['cancle', 'cancel'],
    ['requeueu', 'requeue'],
    ['lgos', 'logs'],
    ['node', 'nodes'],
    ['gone', 'node-gone'],
    ['show-job', 'show'],
  ])('of %s is %s', (word, near) => {
    expect(nearest(word, verbs)).toBe(near);
  });

  it.each(['', 'x', 'qq', 'frobnicate', 'a'.repeat(65), 'submit'.repeat(11)])(
    'of %s is none',
    (word) => {
      expect(nearest(word, verbs)).toBeUndefined();
    },
  );

  it('is none where all of a word is wrong', () => {
    expect(nearest('x', ['h'])).toBeUndefined();
  });

  it('is none of nothing', () => {
    expect(nearest('submit', [])).toBeUndefined();
  });

  it('is the first of equals', () => {
    expect(nearest('bat', ['cat', 'hat'])).toBe('cat');
    expect(nearest('hat', ['cat', 'hat'])).toBe('hat');
  });
});

describe('the distance of words', () => {
  it.each([
    ['', '', 0],
    ['', 'abc', 3],
    ['kitten', 'sitting', 3],
    ['prots', 'ports', 1],
    ['abcd', 'badc', 2],
    ['ca', 'abc', 3],
  ])('of %j and %j is %d', (a, b, slips) => {
    expect(distance(a, b)).toBe(slips);
    expect(distance(b, a)).toBe(slips);
  });

  it('is 0 of a word and itself, and one slip makes it 1', () => {
    const word = fc.string({ minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(word, fc.nat(), (text, where) => {
        const at = where % text.length;
        const less = text.slice(0, at) + text.slice(at + 1);
        expect(distance(text, text)).toBe(0);
        expect(distance(text, less)).toBe(1);
      }),
    );
  });
});
