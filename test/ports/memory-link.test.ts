import { describe, expect, it } from 'vitest';
import { limits } from '../../src/protocol/limits.ts';
import { handClock } from './hand-clock.ts';
import { type LinkPair, linkSuite, listen } from './link.suite.ts';
import { memoryLinks } from './memory-link.ts';

const head = { kind: 'node', role: 'head', name: 'h1', installation: 'i' } as const;
const worker = { kind: 'node', role: 'worker', name: 'w1', installation: 'i' } as const;

const pairOf = () => {
  const clock = handClock();
  return { clock, links: memoryLinks({ clock, near: worker, far: head }) };
};

linkSuite('a link in memory', async (): Promise<LinkPair> => {
  const { clock, links } = pairOf();
  return {
    ...links,
    async until(what, isSo) {
      for (let ms = 0; !isSo(); ms += 10) {
        if (ms > 60_000) throw new Error(`never: ${what}`);
        clock.pass(10);
      }
    },
    pass: async (ms) => clock.pass(ms),
    silenceMsMax: limits.silenceMsMax,
    outboxBytesMax: limits.outboxBytesMax,
    end: async () => {},
  };
});

describe('a link in memory, by its clock', () => {
  it('takes the time that it is told, and keeps order when that shrinks', () => {
    const { clock, links } = pairOf();
    const heard = listen(links.far);
    links.delay(100);
    links.near.send(Buffer.of(1));
    clock.pass(50);
    links.delay(0);
    links.near.send(Buffer.of(2));
    clock.pass(49);
    expect(heard.frames).toEqual([]);
    clock.pass(1);
    expect(heard.frames.map((frame) => frame[0])).toEqual([1, 2]);
  });

  it('is silent after the limit to the millisecond, and not before', () => {
    const { clock, links } = pairOf();
    const heard = listen(links.far);
    links.hold('near');
    clock.pass(limits.silenceMsMax - 1);
    expect(heard.closed).toEqual([]);
    clock.pass(1);
    expect(heard.closed).toEqual(['silent']);
  });

  it('loses what is under way when it is cut', () => {
    const { clock, links } = pairOf();
    const heard = listen(links.far);
    links.delay(10);
    links.near.send(Buffer.of(1));
    clock.pass(5);
    links.cut();
    clock.pass(100);
    expect([heard.frames, heard.closed]).toEqual([[], ['reset']]);
    expect(clock.waiting).toBe(0);
  });

  it('notices a frame that its sender changed after the sending', () => {
    const { clock, links } = pairOf();
    listen(links.far);
    const frame = Buffer.from('good');
    links.near.send(frame);
    frame.write('evil');
    expect(() => clock.pass(0)).toThrow('changed after its sending');
  });
});
