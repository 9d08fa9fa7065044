import { afterEach, describe, expect, it, vi } from 'vitest';
import { speakersBy } from '../../src/platform/speakers.ts';

const ann = { kind: 'user', id: 'ann', name: 'Ann' } as const;
const ben = { kind: 'user', id: 'ben', name: 'Ben' } as const;

afterEach(() => void vi.useRealTimers());

describe('speakers', () => {
  it('are cut off once they may no more, by user or all, and never twice', () => {
    const refused = new Set<string>();
    const cuts: string[] = [];
    const speakers = speakersBy(({ id }, key) =>
      refused.has(id) || refused.has(key) ? 'revoked' : undefined,
    );
    const add = (user: typeof ann | typeof ben, key: string) => {
      const untilMs = Date.now() + 10 ** 9;
      const gone = speakers.add({ user, keyFingerprint: key, untilMs }, (why) => {
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

  it('are cut off when their certificate expires, however far that is', () => {
    vi.useFakeTimers();
    const cuts: string[] = [];
    const speakers = speakersBy(() => undefined);
    const dayMs = 86_400_000;
    const add = (days: number) => {
      const speaker = { user: ann, keyFingerprint: '', untilMs: Date.now() + days * dayMs };
      return speakers.add(speaker, (why) => void cuts.push(`${days} ${why}`));
    };
    add(0.5);
    add(40);
    add(41)();
    vi.advanceTimersByTime(dayMs / 2);
    expect(cuts).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(cuts).toEqual(['0.5 unauthorized: the certificate has expired']);
    vi.advanceTimersByTime(39.5 * dayMs - 1);
    expect(cuts).toHaveLength(1);
    vi.advanceTimersByTime(dayMs * 3);
    expect(cuts.slice(1)).toEqual(['40 unauthorized: the certificate has expired']);
  });
});
