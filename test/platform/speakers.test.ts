import { describe, expect, it } from 'vitest';
import { speakersBy } from '../../src/platform/speakers.ts';

const ann = { kind: 'user', id: 'ann', name: 'Ann' } as const;
const ben = { kind: 'user', id: 'ben', name: 'Ben' } as const;

describe('speakers', () => {
  it('are cut off once they may no more, by user or all, and never twice', () => {
    const refused = new Set<string>();
    const cuts: string[] = [];
    const speakers = speakersBy(({ id }, key) =>
      refused.has(id) || refused.has(key) ? 'revoked' : undefined,
    );
    const add = (user: typeof ann | typeof ben, key: string) => {
      const gone = speakers.add(user, key, (why) => {
        cuts.push(`${user.id} ${key} ${why}`);
        gone();
      });
      return gone;
    };
    add(ann, 'old');
    add(ann, 'new');
    const left = add(ann, 'old');
    add(ben, 'key');
    left();

    speakers.judge();
    expect(cuts).toEqual([]);
    // One of two keys counts no more.
    refused.add('old');
    speakers.judge('ann');
    speakers.judge('ann');
    expect(cuts).toEqual(['ann old unauthorized: revoked']);
    refused.add('ben').add('ann');
    speakers.judge('ann');
    expect(cuts.slice(1)).toEqual(['ann new unauthorized: revoked']);
    speakers.judge();
    expect(cuts.slice(2)).toEqual(['ben key unauthorized: revoked']);
    speakers.judge('nobody');
    speakers.judge();
    expect(cuts).toHaveLength(3);
  });
});
