import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Attachments, type Keep } from '../../../src/gates/bootstrap/attachments.ts';
import { Failed } from '../../../src/protocol/errors.ts';
import { limits } from '../../../src/protocol/limits.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Counts what was begun and what was ended. */
function keeper() {
  const seen = { begun: 0, ended: 0, tell: (_: string): void => {}, fail: (_: Error): void => {} };
  const keep: Keep = (told, signal) => {
    seen.begun += 1;
    seen.tell = told;
    signal.addEventListener('abort', () => {
      seen.ended += 1;
    });
    return new Promise((_, reject) => {
      seen.fail = reject;
    });
  };
  return { seen, keep };
}

const codeOf = (held: Promise<never>): Promise<string> =>
  held.catch((error) => (error as Failed).failure.code);

describe('a machine that is attached', () => {
  it('stays so from one phase to the next, whose holder hears at which step it is', async () => {
    const { seen, keep } = keeper();
    const all = new Attachments();
    const [joining, up] = [new AbortController(), new AbortController()];
    const steps: string[] = [];
    const first = codeOf(all.hold('p/n', 'facts', keep, () => {}, joining.signal));
    await vi.advanceTimersByTimeAsync(0);
    seen.tell('Start secured tunnel');
    joining.abort();
    expect(await first).toBe('timeout');
    await vi.advanceTimersByTimeAsync(limits.attachLingerMs - 1);
    const second = codeOf(all.hold('p/n', 'facts', keep, (s) => void steps.push(s), up.signal));
    await vi.advanceTimersByTimeAsync(2 * limits.attachLingerMs);
    expect(seen).toMatchObject({ begun: 1, ended: 0 });
    expect(steps).toEqual(['Start secured tunnel']);
    up.abort();
    expect(await second).toBe('timeout');
    await vi.advanceTimersByTimeAsync(limits.attachLingerMs);
    expect(seen).toMatchObject({ begun: 1, ended: 1 });
  });

  it('is begun anew after a failure, or by other facts', async () => {
    const { seen, keep } = keeper();
    const all = new Attachments();
    const { signal } = new AbortController();
    const hold = (facts: string) => codeOf(all.hold('p/n', facts, keep, () => {}, signal));
    const first = hold('one');
    await vi.advanceTimersByTimeAsync(0);
    seen.fail(new Failed('refused', 'it is another host'));
    expect(await first).toBe('refused');
    const second = hold('one');
    await vi.advanceTimersByTimeAsync(0);
    expect(seen).toMatchObject({ begun: 2, ended: 0 });
    void hold('two');
    expect(await second).toBe('releasing');
    await vi.advanceTimersByTimeAsync(0);
    expect(seen).toMatchObject({ begun: 3, ended: 1 });
  });

  it('is dropped with its partition, whoever holds it, and no other is', async () => {
    const [one, two] = [keeper(), keeper()];
    const all = new Attachments();
    const { signal } = new AbortController();
    const first = codeOf(all.hold('swm-1/a', '', one.keep, () => {}, signal));
    void codeOf(all.hold('swm-10/a', '', two.keep, () => {}, signal));
    await vi.advanceTimersByTimeAsync(0);
    all.drop('swm-1/');
    expect(await first).toBe('releasing');
    expect([one.seen.ended, two.seen.ended]).toEqual([1, 0]);
  });
});
