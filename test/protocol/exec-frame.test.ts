import { describe, expect, it } from 'vitest';
import { encodeExecFrame, execFrames } from '../../src/protocol/exec-frame.ts';
import { readExecWish } from '../../src/protocol/exec-wish.ts';
import { limits } from '../../src/protocol/limits.ts';

const frames = [
  { kind: 'O', bytes: Uint8Array.of(1, 2, 3) },
  { kind: 'I', bytes: new Uint8Array(0) },
  { kind: 'X', bytes: Uint8Array.of(55) },
];
const all = Uint8Array.from(frames.flatMap(({ kind, bytes }) => [...encodeExecFrame(kind, bytes)]));

describe('frames of a command', () => {
  it.each([1, 2, 5, 7, all.length])('are put together from pieces of %i bytes', (size) => {
    const take = execFrames();
    const heard = [];
    for (let at = 0; at < all.length; at += size) heard.push(...take(all.subarray(at, at + size)));
    expect(heard).toEqual(frames);
  });

  it('are as the program in the job writes them', () => {
    expect([...encodeExecFrame('E', Uint8Array.of(9))]).toEqual([0x45, 0, 0, 0, 1, 9]);
  });

  it('are never longer than somebody would keep', () => {
    const head = Buffer.alloc(5, 'O');
    head.writeUInt32BE(limits.execFrameBytesMax + 1, 1);
    expect(() => execFrames()(head)).toThrow('a frame of at most');
  });
});

const wish = { job: 'j', rank: 0, words: ['ls'], window: null };
const window = { columns: 80, rows: 24, term: 'xterm-256color' };

describe('a wish to run something', () => {
  it('is read as it is', () => {
    expect(readExecWish({ ...wish, other: 1 })).toEqual(wish);
    expect(readExecWish({ ...wish, words: [], window })).toEqual({ ...wish, words: [], window });
  });

  it.each([
    [{ job: 7 }, '$.job'],
    [{ rank: -1 }, '$.rank'],
    [{ words: 'ls' }, '$.words'],
    [{ words: ['a\0b'] }, '$.words'],
    [{ words: [''] }, '$.words'],
    [{ words: ['x'.repeat(limits.execBytesMax + 1)] }, '$.words'],
    [{ words: Array.from({ length: limits.execWordsMax + 1 }, () => 'x') }, '$.words'],
    [{ window: { ...window, columns: 1e9 } }, '$.window.columns'],
    [{ window: { ...window, rows: '24' } }, '$.window.rows'],
    [{ window: { ...window, term: 'a=b\n' } }, '$.window.term'],
    [{ window: 7 }, '$.window.columns'],
  ])('is refused for %o', (change, at) => {
    expect(() => readExecWish({ ...wish, ...change })).toThrow(at);
  });
});
