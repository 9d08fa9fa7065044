import { describe, expect, it } from 'vitest';
import { GROUP } from '../../src/actors/group/keeping.ts';
import { type Council, takeSeat } from '../../src/node/seat.ts';
import { limits } from '../../src/protocol/limits.ts';
import type { Message } from '../../src/protocol/messages.ts';
import type { Outcome } from '../../src/runtime/ports.ts';
import { handClock } from '../ports/hand-clock.ts';
import { MemoryReplicaPlace } from '../ports/memory-replica-disk.ts';

/** A seat on a disk in memory, with a clock that is moved by hand; `index` is the leader's word. */
function seat({ joins = false, index = 0 } = {}) {
  const clock = handClock();
  const story: string[] = [];
  const asked: (readonly [string, Message])[] = [];
  const place = new MemoryReplicaPlace('a', { joins });
  const council: Council = takeSeat({
    disk: place.open(),
    self: 'a',
    clock,
    monotonic: () => clock.now(),
    dice: () => 0.5,
    note: () => {},
    later: (then) => void setImmediate(then),
    send: () => false,
    fetchSnapshot: () => Promise.reject(new Error('nobody offers one')),
    ask: async (path, question) => {
      asked.push([path, question]);
      return { index };
    },
    onLead: ({ leader, term }) => story.push(`${leader || 'nobody'} leads ${term}`),
    onLeading: () => story.push(council.leads ? 'leads' : 'leads no more'),
    onApplied: (changes) => story.push(`applied ${changes.map(({ key }) => key)}`),
    onReplaced: () => story.push('replaced'),
    onHeads: () => story.push('other heads'),
  });
  const commit = (key: string): Promise<Outcome> =>
    new Promise((resolve) => council.store.commit([{ key, value: new Uint8Array(1) }], resolve));
  return { clock, story, asked, council, commit };
}

describe('a seat in the group of heads', () => {
  it('of a head that is alone leads, and then only takes what is to be kept', async () => {
    const { council, story, commit } = seat();
    expect([council.leads, await commit('r/early#')]).toEqual([false, 'unknown']);
    await council.led();
    await expect.poll(() => council.leads).toBe(true);
    expect(story).toEqual(['nobody leads 1', 'a leads 1', 'leads']);
    expect(await commit('r/jobs/1#')).toBe('committed');
    expect(story.slice(3)).toEqual(['applied r/jobs/1#']);
    await council.close();
  });

  it('tells that the heads are others once their list was written', async () => {
    const { council, story, commit } = seat();
    await expect.poll(() => council.leads).toBe(true);
    await commit(`r${GROUP}#`);
    expect(story.slice(3)).toEqual([`applied r${GROUP}#`, 'other heads']);
    await council.close();
  });

  it('that leads answers for itself how current it is', async () => {
    const { council, asked } = seat();
    await expect.poll(() => council.leads).toBe(true);
    await council.current();
    expect(asked).toEqual([]);
    await council.close();
  });

  it('that follows asks the leader, and goes on if it has as much', async () => {
    const { council, asked } = seat({ joins: true, index: 0 });
    await council.current();
    expect(asked).toEqual([[GROUP, { name: 'head.current', body: {} }]]);
    await council.close();
  });

  it('that is behind says so when its time is over, and not before', async () => {
    const { council, clock } = seat({ joins: true, index: 1 });
    let is = 'waiting';
    const over = council.current().catch(({ failure }) => {
      is = failure.code;
    });
    await new Promise(setImmediate);
    clock.pass(limits.callMs - 1);
    await new Promise(setImmediate);
    expect(is).toBe('waiting');
    clock.pass(1);
    await over;
    expect(is).toBe('timeout');
    await council.close();
  });
});
