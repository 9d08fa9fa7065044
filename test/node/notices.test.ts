import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { heedNotices } from '../../src/node/notices.ts';
import { scheduledEvents } from '../../src/platform/notices.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { limits } from '../../src/protocol/limits.ts';
import { type Announcements, openAnnouncements } from '../azure/notices.ts';

const HOUR = 3_600_000;
const MACHINE = 'vm-0';

let site: Announcements;
let stop: () => void;
let now: number;
/** How often the head kept what it was told. */
let kept: number;
let isHeadThere: boolean;
let isIdle: boolean;
let notes: string[];
let broken: unknown[];

/** The wall's time is as the test says; between two looks nothing passes. */
const clock = {
  now: () => now,
  timer: (_: number, then: () => void) => {
    const timer = setTimeout(then, 1);
    return () => clearTimeout(timer);
  },
};

beforeEach(async () => {
  site = await openAnnouncements();
  [now, kept, isHeadThere, isIdle, notes, broken] = [Date.now(), 0, true, true, [], []];
  stop = heedNotices({
    source: scheduledEvents({ url: site.url, machine: MACHINE }),
    tell: async () => {
      if (!isHeadThere) throw new Failed('unreachable', 'no head leads', true);
      kept += 1;
    },
    isIdle: () => isIdle,
    clock,
    note: (_, __, text) => void notes.push(text),
    failed: (error) => void broken.push(error),
  });
});
afterEach(async () => {
  stop();
  expect(broken).toEqual([]);
  await site.close();
});

/** Waits until the site was asked so often from now on. */
async function looks(count: number): Promise<void> {
  const wanted = site.asked + count;
  const late = performance.now() + 10_000;
  while (site.asked < wanted) {
    if (performance.now() > late) throw new Error(`it was asked ${site.asked} times only`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

describe('a worker whose machine is taken back', () => {
  it('tells its head once, and the site when nothing is left to be saved', async () => {
    isIdle = false;
    site.announce('vm-1', 'Preempt', 30_000);
    const { EventId } = site.announce(MACHINE, 'Preempt', 30_000);
    await looks(5);
    expect([kept, site.approved]).toEqual([1, []]);
    isIdle = true;
    await looks(5);
    expect([kept, site.approved]).toEqual([1, [EventId]]);
    expect(notes).toEqual(['the site takes this machine back: Preempt']);
  });

  it('tells it as soon as a head is there, and not what was withdrawn before', async () => {
    isHeadThere = false;
    const first = site.announce(MACHINE, 'Preempt', 30_000);
    await looks(3);
    site.withdraw(first);
    await looks(3);
    isHeadThere = true;
    await looks(3);
    expect(kept).toBe(0);
    isHeadThere = false;
    site.announce(MACHINE, 'Terminate', 30_000);
    await looks(3);
    expect(site.approved).toEqual([]);
    isHeadThere = true;
    await looks(4);
    expect([kept, site.approved.length]).toEqual([1, 1]);
  });

  it('waits for what is planned for a later day', async () => {
    const { NotBefore } = site.announce(MACHINE, 'Redeploy', 7 * 24 * HOUR);
    await looks(3);
    expect(kept).toBe(0);
    now = Date.parse(NotBefore) - limits.noticeLeadMs - 1;
    await looks(3);
    expect(kept).toBe(0);
    now += 1;
    await looks(3);
    expect(kept).toBe(1);
  });

  it('has no say when it has begun, and none about a short pause', async () => {
    site.announce(MACHINE, 'Freeze', 1_000);
    const event = site.announce(MACHINE, 'Preempt', 30_000);
    Object.assign(event, { EventStatus: 'Started', NotBefore: '' });
    await looks(4);
    expect([kept, site.approved]).toEqual([1, []]);
  });

  it('asks on, whatever the site answers, and complains once', async () => {
    site.troubles.push('error', 'error', 'error', 'garbage', 'cut', 'endless');
    const { EventId } = site.announce(MACHINE, 'Preempt', 30_000);
    await looks(9);
    expect([kept, site.approved]).toEqual([1, [EventId]]);
    expect(notes.filter((text) => text.includes('500'))).toHaveLength(1);
  });

  it('says again that it need not wait, if that was not heard', async () => {
    isIdle = false;
    const { EventId } = site.announce(MACHINE, 'Preempt', 30_000);
    await looks(3);
    site.troubles.push('error', 'error', 'error', 'error');
    isIdle = true;
    await looks(9);
    expect([kept, site.approved]).toEqual([1, [EventId]]);
  });

  it('asks no more once it ends', async () => {
    await looks(2);
    stop();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const { asked } = site;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(site.asked).toBe(asked);
  });
});
