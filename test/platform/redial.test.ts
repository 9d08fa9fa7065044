import { describe, expect, it } from 'vitest';
import type { Link } from '../../src/platform/link.ts';
import { keepDialled } from '../../src/platform/redial.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { limits } from '../../src/protocol/limits.ts';
import { type HandClock, handClock } from '../ports/hand-clock.ts';
import { type MemoryLinks, memoryLinks } from '../ports/memory-link.ts';

const head = { kind: 'node', role: 'head', name: 'h1', installation: 'i' } as const;
const worker = { kind: 'node', role: 'worker', name: 'w1', installation: 'i' } as const;

/** A dialler whose attempts end as the test says, at once. */
function world(dice = () => 0) {
  const clock = handClock();
  const seen = {
    clock,
    dials: 0,
    up: false,
    made: [] as MemoryLinks[],
    links: [] as Link[],
    lost: [] as string[],
    failed: [] as { text: string; failed: number; nextInMs: number }[],
  };
  const kept = keepDialled({
    clock,
    dice,
    dial() {
      seen.dials += 1;
      if (!seen.up) return Promise.reject(new Failed('unreachable', 'the head is down'));
      const links = memoryLinks({ clock, near: worker, far: head });
      seen.made.push(links);
      return Promise.resolve(links.near);
    },
    onLink: (link) => {
      seen.links.push(link);
      link.onFrame(() => {});
    },
    onLost: (why) => void seen.lost.push(why),
    onFailed: ({ text }, failed, nextInMs) => void seen.failed.push({ text, failed, nextInMs }),
  });
  return { ...seen, kept, seen };
}

/** Lets promises settle, then time pass. */
const pass = async (clock: HandClock, ms: number) => {
  for (let n = 0; n < 5; n++) await Promise.resolve();
  clock.pass(ms);
  for (let n = 0; n < 5; n++) await Promise.resolve();
};

describe('a link that is kept', () => {
  it('is dialled again with waits that double up to a limit, and says why each time', async () => {
    const { seen, clock } = world();
    for (let n = 0; n < 9; n++) await pass(clock, limits.redialMsMax);
    expect(seen.failed.slice(0, 9).map(({ nextInMs }) => nextInMs)).toEqual([
      50, 100, 200, 400, 800, 1_600, 2_500, 2_500, 2_500,
    ]);
    expect(seen.failed[3]).toMatchObject({ text: 'the head is down', failed: 4 });
  });

  it('draws the wait between half of it and all', async () => {
    const { seen, clock } = world(() => 0.9999999);
    for (let n = 0; n < 8; n++) await pass(clock, limits.redialMsMax);
    expect(seen.failed[0]!.nextInMs).toBe(limits.redialMsMin);
    expect(seen.failed[7]!.nextInMs).toBe(limits.redialMsMax);
  });

  it('comes back soon after a long life, and slowly if it is dropped again and again', async () => {
    const { seen, clock, kept } = world();
    seen.up = true;
    await pass(clock, 50);
    await pass(clock, 0);
    expect(kept.link).toBe(seen.links[0]);
    await pass(clock, limits.redialMsMax);
    seen.made[0]!.cut();
    await pass(clock, 0);
    expect([seen.lost, kept.link]).toEqual([['reset'], undefined]);
    await pass(clock, 50);
    expect(seen.links.length).toBe(2);
    for (let n = 2; n < 6; n++) {
      seen.made.at(-1)!.cut();
      await pass(clock, 0);
      const before = seen.dials;
      await pass(clock, 50 * 2 ** (n - 1) - 1);
      expect(seen.dials).toBe(before);
      await pass(clock, 1);
      expect(seen.dials).toBe(before + 1);
    }
  });

  it('is tried at once when something was heard of the peer', async () => {
    const { seen, clock, kept } = world();
    for (let n = 0; n < 8; n++) await pass(clock, limits.redialMsMax);
    seen.up = true;
    const before = seen.dials;
    kept.hurry();
    kept.hurry();
    await pass(clock, 0);
    expect([seen.dials, kept.link === seen.links[0]]).toEqual([before + 1, true]);
    kept.hurry();
    expect(seen.dials).toBe(before + 1);
  });

  it('ends when it is closed: waiting, dialling or open', async () => {
    const waiting = world();
    await pass(waiting.clock, 10);
    waiting.kept.close('over');
    await pass(waiting.clock, 60_000);
    expect([waiting.seen.dials, waiting.clock.waiting]).toEqual([1, 0]);

    const dialling = world();
    dialling.seen.up = true;
    dialling.kept.close('over');
    await pass(dialling.clock, 60_000);
    // The attempt under way was the first, which fails; nothing follows.
    expect([dialling.seen.dials, dialling.seen.links.length]).toEqual([1, 0]);

    const open = world();
    open.seen.up = true;
    await pass(open.clock, 60);
    expect(open.seen.links.length).toBe(1);
    open.kept.close('over');
    await pass(open.clock, 60_000);
    expect([open.seen.dials, open.seen.lost, open.seen.links[0]!.send(Buffer.of(1))]).toEqual([
      2,
      [],
      false,
    ]);
  });
});
