import { expect, it, vi } from 'vitest';
import type { Call } from '../../src/api/rest/calls.ts';
import { nodeAddresses } from '../../src/api/rest/node-addresses.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { limits } from '../../src/protocol/limits.ts';
import { memoryFeed } from '../client/feed.ts';

const user = { door: 'terminal', id: 'ann' } as const;

function world() {
  const { feed, put } = memoryFeed();
  const answers: (readonly [string, string][] | Failed)[] = [];
  const asked: string[] = [];
  const call = (async (_, name) => {
    asked.push(name);
    const answer = answers.shift() ?? [];
    if (answer instanceof Failed) throw answer;
    return { nodes: answer.map(([node, address]) => ({ name: node, address })) };
  }) as Call;
  const addresses = nodeAddresses(call, feed);
  return { addresses, answers, asked, put };
}

it('are read once for all who ask, until a node has changed', async () => {
  const { addresses, answers, asked, put } = world();
  answers.push([['n1', '10.0.0.1']], [['n1', '10.0.0.2']]);
  const both = await Promise.all([addresses(user), addresses(user)]);
  expect(both.map((of) => of.get('n1'))).toEqual(['10.0.0.1', '10.0.0.1']);
  put('jobs', 'j', {});
  expect((await addresses(user)).get('n1')).toBe('10.0.0.1');
  expect(asked).toEqual(['node.list']);
  put('nodes', 'n1', {});
  expect((await addresses(user)).get('n1')).toBe('10.0.0.2');
});

it('are not believed for long, should the news of a change have gone astray', async () => {
  const { addresses, answers } = world();
  answers.push([['n1', 'old']], [['n1', 'new']]);
  vi.useFakeTimers({ toFake: ['performance'] });
  try {
    await addresses(user);
    vi.advanceTimersByTime(limits.nodeAddressesMs);
    expect((await addresses(user)).get('n1')).toBe('new');
  } finally {
    vi.useRealTimers();
  }
});

it('are asked for again by the next when they could not be read', async () => {
  const { addresses, answers } = world();
  answers.push(new Failed('unreachable', 'nobody leads'), [['n1', 'there']]);
  await expect(addresses(user)).rejects.toThrow('nobody leads');
  expect((await addresses(user)).get('n1')).toBe('there');
});
