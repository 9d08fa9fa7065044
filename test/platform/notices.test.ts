import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Notices, scheduledEvents } from '../../src/platform/notices.ts';
import { type Announcements, openAnnouncements } from '../azure/notices.ts';

let site: Announcements;
let ours: Notices;
const { signal } = new AbortController();

beforeEach(async () => {
  site = await openAnnouncements();
  ours = scheduledEvents({ url: site.url, machine: 'vm-0' });
});
afterEach(() => site.close());

const HOUR = 3_600_000;

describe('what Azure tells a machine of its plans', () => {
  it.each([
    ['Preempt', true],
    ['Terminate', true],
    ['Redeploy', true],
    ['Reboot', true],
    ['Freeze', false],
    ['Whatever', false],
  ])('%s: ends what runs there: %s', async (what, isEnd) => {
    const { EventId: id, NotBefore } = site.announce('vm-0', what, HOUR);
    const at = Date.parse(NotBefore);
    expect(await ours.list(signal)).toEqual(isEnd ? [{ id, what, at }] : []);
  });

  it('is of its neighbours too, which are none of its business', async () => {
    site.announce('vm-1', 'Preempt', HOUR);
    const both = { ...site.announce('vm-1', 'Reboot', HOUR), Resources: ['vm-1', 'VM-0'] };
    site.events.push({ ...both, EventId: 'both' });
    expect((await ours.list(signal)).map(({ id }) => id)).toEqual(['both']);
  });

  it('has begun, or says no time', async () => {
    const event = site.announce('vm-0', 'Preempt', HOUR);
    site.events.push({ ...event, EventId: 'a', EventStatus: 'Started' });
    site.events.push({ ...event, EventId: 'b', NotBefore: '' });
    const { NotBefore: _, ...rest } = event;
    site.events.push({ ...rest, EventId: 'c' });
    const times = (await ours.list(signal)).map(({ id, at }) => [id, at]);
    expect(times.slice(1)).toEqual([
      ['a', undefined],
      ['b', undefined],
      ['c', undefined],
    ]);
  });

  it('is heard beside what nobody understands', async () => {
    site.events.push(null, 7, {}, { EventId: 5, EventType: 'Preempt', Resources: ['vm-0'] });
    const { EventId } = site.announce('vm-0', 'Preempt', HOUR);
    expect((await ours.list(signal)).map(({ id }) => id)).toEqual([EventId]);
  });

  it('need not be waited for', async () => {
    const { EventId } = site.announce('vm-0', 'Preempt', HOUR);
    await ours.approve(EventId, signal);
    expect(site.approved).toEqual([EventId]);
    expect(await ours.list(signal)).toEqual([{ id: EventId, what: 'Preempt', at: undefined }]);
    await expect(ours.approve('of nobody', signal)).rejects.toThrow('the site answers 400');
  });
});

describe('a site that does not tell', () => {
  it.each([
    ['error', 'the site answers 500'],
    ['throttle', 'the site answers 429'],
    ['gone', 'the site answers 410'],
    ['garbage', 'cannot be understood'],
    ['endless', 'its answer has no end'],
    ['cut', 'socket hang up'],
  ] as const)('%s', async (trouble, text) => {
    site.troubles.push(trouble);
    await expect(ours.list(signal)).rejects.toMatchObject({
      failure: { retry: true, text: expect.stringContaining(text) },
    });
    expect(await ours.list(signal)).toEqual([]);
  });

  it('is not there, or is not waited for', async () => {
    await expect(ours.list(AbortSignal.abort())).rejects.toMatchObject({
      failure: { code: 'unreachable' },
    });
    await site.close();
    await expect(ours.list(signal)).rejects.toMatchObject({ failure: { code: 'unreachable' } });
    site = await openAnnouncements();
  });
});
