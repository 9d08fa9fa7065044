import { beforeEach, describe, expect, it } from 'vitest';
import { limits } from '../../../src/protocol/limits.ts';
import { put } from '../../ports/store.suite.ts';
import { type Head, TestGroup } from './group.ts';

let group: TestGroup;

const three = async (): Promise<Head> => {
  group.open('a');
  await group.elected();
  await group.join('b');
  await group.join('c');
  return group.elected();
};
const others = (head: Head): Head[] => [...group.heads.values()].filter((one) => one !== head);

beforeEach(() => {
  group = new TestGroup();
});

describe('a group of heads', () => {
  it('begins with one, and grows by heads that are promoted once they have caught up', async () => {
    const a = group.open('a');
    await group.elected();
    expect(await group.commit(group.storeOf(a), put('early'))).toBe('committed');
    await group.join('b');
    await group.join('c');
    expect(a.replica.status()).toMatchObject({
      role: 'leader',
      ready: true,
      members: { voters: ['a', 'b', 'c'], learners: [] },
    });
    expect(await group.commit(group.storeOf(a), put('late'))).toBe('committed');
    await group.until('all agree', () => group.agree);
    for (const head of group.heads.values()) {
      expect(group.keysOf(head)).toEqual(['early', 'late']);
      expect(head.broken).toEqual([]);
    }
    expect(group.heads.get('b')!.replaced).toBe(1);
    expect(group.heads.get('b')!.changes).toEqual(['late']);
  });

  it('tells of a commit only once most heads have it, and reads see it', async () => {
    const leader = await three();
    const store = group.storeOf(leader);
    for (const other of others(leader)) group.cut.add(`${leader.name}>${other.name}`);
    const told: string[] = [];
    store.commit([put('k')], (outcome) => told.push(`${outcome} ${store.get('k') !== undefined}`));
    await group.pass(100);
    expect([told, store.get('k')]).toEqual([[], undefined]);
    group.cut.delete(`${leader.name}>${others(leader)[0]!.name}`);
    await group.until('it is told', () => told.length > 0);
    expect(told).toEqual(['committed true']);
  });

  it('makes one entry of what is given while others are under way', async () => {
    const leader = await three();
    const store = group.storeOf(leader);
    const before = leader.replica.status().lastIndex;
    const told: string[] = [];
    for (let n = 0; n < 500; n++)
      store.commit([put(`k${n}`)], (outcome) => told.push(`${n} ${outcome}`));
    await group.until('all are told', () => told.length === 500);
    expect(told).toEqual(Array.from({ length: 500 }, (_, n) => `${n} committed`));
    expect(leader.replica.status().lastIndex - before).toBeLessThanOrEqual(limits.raftProposalsMax);
  });

  it('elects another when the leader dies, with all that was told of', async () => {
    const first = await three();
    for (let n = 0; n < 20; n++) await group.commit(group.storeOf(first), put(`k${n}`));
    group.crash(first.name);
    const second = await group.elected();
    expect(second.name).not.toBe(first.name);
    expect(group.keysOf(second)).toHaveLength(20);
    expect(await group.commit(group.storeOf(second), put('after'))).toBe('committed');
    const again = group.restart(first.name);
    await group.until('all agree', () => group.agree);
    expect(group.keysOf(again)).toEqual(group.keysOf(second));
    expect(again.replica.status()).toMatchObject({ role: 'follower', leader: second.name });
  });

  it('ends the commits of a deposed leader unknown, for ever, also if it leads again', async () => {
    const first = await three();
    const store = group.storeOf(first);
    group.isolate(first.name);
    const told: string[] = [];
    store.commit([put('lost')], (outcome) => told.push(`lost ${outcome}`));
    await group.until('another leads', () => {
      const { leader } = group;
      return leader !== undefined && leader !== first;
    });
    await group.until('it knows', () => told.length > 0);
    expect(await group.commit(group.storeOf(group.leader!), put('kept'))).toBe('committed');
    store.commit([put('later')], (outcome) => told.push(`later ${outcome}`));
    group.heal();
    await group.until('all agree', () => group.agree);
    expect(told).toEqual(['lost unknown', 'later unknown']);
    expect(group.keysOf(first)).toEqual(['kept']);
    const done: string[] = [];
    group.leader!.replica.transfer(first.name, (outcome) => done.push(outcome));
    await group.until('it leads again', () => group.leader === first);
    expect(done).toEqual(['done']);
    expect(await group.commit(store, put('never'))).toBe('unknown');
    expect(await group.commit(group.storeOf(first), put('again'))).toBe('committed');
    expect(group.keysOf(first)).toEqual(['again', 'kept']);
  });

  it('is not ready to lead before all that was decided is applied', async () => {
    const first = await three();
    for (let n = 0; n < 5; n++) await group.commit(group.storeOf(first), put(`k${n}`));
    const seen: number[] = [];
    for (const head of others(first)) {
      const { onRole } = { onRole: head.news.push.bind(head.news) };
      head.news.push = (...news) => {
        if (news[0]?.ready) seen.push(group.keysOf(head).length);
        return onRole(...news);
      };
    }
    group.crash(first.name);
    await group.elected();
    expect(seen).toEqual([5]);
  });

  it('sends a snapshot to a head that is further behind than the log reaches', async () => {
    const leader = await three();
    const slow = others(leader)[0]!;
    group.crash(slow.name);
    const store = group.storeOf(leader);
    const value = Buffer.alloc(512 << 10, 1);
    const rounds = Math.ceil((2 * limits.raftTailBytesMax) / value.length);
    let told = 0;
    for (let n = 0; n < rounds; n++)
      store.commit([{ key: `k${n % 50}`, value }], () => {
        told++;
      });
    await group.until('all are told', () => told === rounds);
    expect(leader.disk.kept.base.index).toBeGreaterThan(0);
    let tries = 0;
    group.fetchable = () => tries++ > 0;
    const again = group.restart(slow.name);
    await group.until('all agree', () => group.agree);
    expect([again.replaced, tries]).toEqual([1, 2]);
    expect(group.keysOf(leader)).toHaveLength(50);
    expect(group.keysOf(again)).toEqual(group.keysOf(leader));
    expect(await group.commit(group.storeOf(group.leader!), put('z'))).toBe('committed');
    await group.until('all agree', () => group.agree);
    group.crash(slow.name);
    const third = group.restart(slow.name);
    await group.until('all agree', () => group.agree);
    expect([third.replaced, group.keysOf(third).at(-1)]).toEqual([0, 'z']);
  });

  it('answers reads that are current from the leader only', async () => {
    const leader = await three();
    const answers: string[] = [];
    await group.commit(group.storeOf(leader), put('k'));
    leader.replica.read((ok) => answers.push(`leader ${ok}`));
    others(leader)[0]!.replica.read((ok) => answers.push(`follower ${ok}`));
    await group.until('both are answered', () => answers.length === 2);
    expect(answers.toSorted()).toEqual(['follower false', 'leader true']);
    group.isolate(leader.name);
    await group.pass(limits.raftLeaseMs + 50);
    leader.replica.read((ok) => answers.push(`cut off ${ok}`));
    await group.until('it is answered', () => answers.length === 3);
    expect(answers[2]).toBe('cut off false');
  });

  it('takes heads out, the leader too, and says why it does not', async () => {
    const leader = await three();
    const [second, third] = others(leader) as [Head, Head];
    const outcomes: string[] = [];
    const change = (what: 'add' | 'remove' | 'promote', node: string) =>
      leader.replica.change({ do: what, node }, (outcome) =>
        outcomes.push(`${what} ${node} ${outcome}`),
      );
    change('remove', 'x');
    change('add', second.name);
    change('remove', second.name);
    await group.until('three answers', () => outcomes.length === 3);
    expect(outcomes).toEqual([
      'remove x no_member',
      `add ${second.name} member`,
      `remove ${second.name} done`,
    ]);
    group.crash(second.name);
    change('remove', leader.name);
    await group.until('the third leads', () => group.leader === third);
    expect(third.replica.status().members).toEqual({ voters: [third.name], learners: [] });
    expect(await group.commit(group.storeOf(third), put('alone'))).toBe('committed');
    expect(group.keysOf(third)).toEqual(['alone']);
  });

  it('gives a log time that never goes back, whoever leads', async () => {
    const first = await three();
    first.aheadMs = 60_000;
    await group.commit(group.storeOf(first), put('k'));
    const before = first.disk.kept.applied.at;
    expect(before).toBeGreaterThanOrEqual(group.clock.now() + 50_000);
    group.crash(first.name);
    const second = await group.elected();
    expect(second.replica.now()).toBeGreaterThanOrEqual(before);
    await group.commit(group.storeOf(second), put('l'));
    expect(second.disk.kept.applied.at).toBeGreaterThanOrEqual(before);
    await group.pass(70_000);
    expect(second.replica.now()).toBe(group.clock.now());
  });

  it('keeps all that was told of through a power cut of all heads at once', async () => {
    const leader = await three();
    const told: string[] = [];
    const store = group.storeOf(leader);
    for (let n = 0; n < 50; n++) {
      store.commit([put(`k${n}`)], (outcome) => {
        if (outcome === 'committed') told.push(`k${n}`);
      });
      if (n % 10 === 0) await group.pass(1);
    }
    for (const name of ['a', 'b', 'c']) group.crash(name);
    for (const name of ['a', 'b', 'c']) group.restart(name);
    const next = await group.elected();
    const keys = new Set(group.keysOf(next));
    expect(told.filter((key) => !keys.has(key))).toEqual([]);
    expect(told.length).toBeGreaterThan(0);
    await group.until('all agree', () => group.agree);
    for (const head of group.heads.values()) expect(group.keysOf(head)).toEqual(group.keysOf(next));
  });

  it('takes nobody to be silent after its own loop stood still', async () => {
    const leader = await three();
    const slow = others(leader)[0]!;
    await group.until('all agree', () => group.agree);
    const { term } = leader.replica.status();
    slow.sent = [];
    slow.stoodMs += 3_000;
    leader.stoodMs += 3_000;
    await group.pass(1_000);
    expect(slow.sent).not.toContain('ask');
    expect(leader.replica.status()).toMatchObject({ role: 'leader', term, ready: true });
    group.isolate(slow.name);
    await group.pass(1_000);
    expect(slow.sent).toContain('ask');
  });

  it('refuses a batch that no frame between heads can hold', async () => {
    const leader = await three();
    const store = group.storeOf(leader);
    const value = Buffer.alloc(limits.raftBatchBytesMax);
    expect(() => store.commit([{ key: 'k', value }], () => {})).toThrow(/at most/);
    const fits = { key: 'k', value: value.subarray(100) };
    expect(await group.commit(store, fits)).toBe('committed');
    await group.until('all agree', () => group.agree);
  });

  it('ends a head whose disk fails, and what it was told to commit ends unknown', async () => {
    const leader = await three();
    const store = group.storeOf(leader);
    group.crash(others(leader)[0]!.name);
    leader.place.life++;
    expect(await group.commit(store, put('k'))).toBe('unknown');
    expect(leader.broken).toEqual(['in_use']);
    const sent = leader.sent.length;
    await group.pass(500);
    expect(leader.sent.length).toBe(sent);
  });
});
