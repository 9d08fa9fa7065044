import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openReplicaDisk } from '../../../src/platform/replica/disk.ts';
import { openReplica } from '../../../src/platform/replica/replica.ts';
import type { Replica, RoleNews } from '../../../src/platform/replica/replica-port.ts';
import type { Outcome } from '../../../src/runtime/ports.ts';
import { put } from '../../ports/store.suite.ts';
import { until } from '../wait.ts';
import { realClock } from './alone-store.ts';

type Head = { readonly name: string; readonly replica: Replica; news: RoleNews | undefined };

let home: string;
const heads = new Map<string, Head>();

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'swm-heads-'));
});
afterEach(async () => {
  await Promise.all([...heads.values()].map(({ replica }) => replica.close()));
  heads.clear();
  await rm(home, { recursive: true });
});

async function open(name: string, joins = false): Promise<Head> {
  const disk = await openReplicaDisk(join(home, name), { self: name, joins });
  const replica = openReplica({
    disk,
    self: name,
    clock: realClock,
    monotonic: () => performance.now(),
    dice: Math.random,
    note: () => {},
    send: (to, message) => {
      setImmediate(() => heads.get(to)?.replica.receive(name, message));
      return heads.has(to);
    },
    fetchSnapshot: async (from, offer) => {
      const path = join(home, `${name}.fetched`);
      await copyFile(heads.get(from)!.replica.snapshot()!.path, path);
      return { ...offer, path };
    },
    onApplied: () => {},
    onRole: (news) => {
      head.news = news;
    },
  });
  const head: Head = { name, replica, news: undefined };
  heads.set(name, head);
  return head;
}

const leader = (): Head | undefined => [...heads.values()].find(({ news }) => news?.ready);

async function committed(count: number, prefix: string): Promise<void> {
  const { replica, news } = leader()!;
  const store = replica.leaderStore(news!.term);
  const outcomes = await Promise.all(
    Array.from(
      { length: count },
      (_, n) => new Promise<Outcome>((then) => store.commit([put(`${prefix}${n}`)], then)),
    ),
  );
  expect(new Set(outcomes)).toEqual(new Set(['committed']));
}

const count = ({ replica }: Head): number =>
  replica.range({ from: '', to: '\u{10ffff}', limit: 9_999 }).length;

describe('heads on disks', () => {
  it('form a group, outlive their leader, and agree after it is back', async () => {
    const a = await open('a');
    await until('a leads', () => leader() === a);
    await committed(300, 'x');
    for (const name of ['b', 'c']) {
      await open(name, true);
      for (const what of ['add', 'promote'] as const) {
        let outcome = '';
        await until(`${name}: ${what}`, () => {
          if (outcome !== 'done' && outcome !== 'member' && outcome !== 'asked') {
            outcome = 'asked';
            a.replica.change({ do: what, node: name }, (told) => {
              outcome = told;
            });
          }
          return outcome === 'done' || outcome === 'member';
        });
      }
    }
    await committed(300, 'y');
    heads.delete('a');
    await a.replica.close();
    for (const { replica } of heads.values()) replica.unlinked('a');
    await until('another leads', () => leader() !== undefined);
    await committed(300, 'z');
    const again = await open('a');
    for (const { replica } of heads.values()) replica.linked('a');
    await until('all have everything', () =>
      [...heads.values()].every((one) => count(one) === 900),
    );
    expect(again.replica.status()).toMatchObject({
      role: 'follower',
      members: { voters: ['a', 'b', 'c'], learners: [] },
    });
  }, 30_000);
});
