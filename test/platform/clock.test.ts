import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/platform/clock.ts';

afterEach(() => {
  vi.useRealTimers();
});

describe('the clock', () => {
  it('follows the wall forward, and goes on steadily where the wall is set back', () => {
    const times = { wall: 1_000_000, steady: 50 };
    const clock = systemClock({ wall: () => times.wall, steady: () => times.steady });
    const at = (wall: number, steady: number): number => {
      Object.assign(times, { wall, steady });
      return clock.now();
    };
    expect(clock.now()).toBe(1_000_000);
    expect(at(1_000_010.9, 60)).toBe(1_000_010);
    expect(at(900_000, 70)).toBe(1_000_020);
    expect(at(900_040, 110)).toBe(1_000_060);
    expect(at(5_000_000, 111)).toBe(5_000_000);
    expect(at(5_000_000, 111)).toBe(5_000_000);
    expect(at(5_000_001, 100)).toBe(5_000_001);
  });

  it('is near the system’s time, in whole milliseconds', () => {
    const clock = systemClock();
    const before = Date.now();
    const now = clock.now();
    expect(Number.isInteger(now)).toBe(true);
    expect(now).toBeGreaterThanOrEqual(before - 1);
    expect(now).toBeLessThanOrEqual(Date.now() + 1);
  });

  it('calls timers once they are due, never at once, and not after a cancel', () => {
    vi.useFakeTimers();
    const clock = systemClock({ wall: () => Date.now(), steady: () => 0 });
    const fired: string[] = [];
    clock.timer(0, () => fired.push('zero'));
    clock.timer(-5, () => fired.push('past'));
    clock.timer(100, () => fired.push('soon'));
    const cancel = clock.timer(50, () => fired.push('never'));
    expect(fired).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(fired).toEqual(['zero', 'past']);
    cancel();
    vi.advanceTimersByTime(98);
    expect(fired).toHaveLength(2);
    vi.advanceTimersByTime(1);
    expect(fired).toEqual(['zero', 'past', 'soon']);
    expect(() => clock.timer(Number.NaN, () => {})).toThrow(RangeError);
  });

  it('keeps timers longer than Node can, and cancels them half way', () => {
    vi.useFakeTimers();
    const clock = systemClock({ wall: () => Date.now(), steady: () => 0 });
    const days = 24 * 3_600_000;
    let fired = 0;
    clock.timer(40 * days, () => fired++);
    const cancel = clock.timer(20 * days, () => fired++);
    vi.advanceTimersByTime(19 * days);
    cancel();
    vi.advanceTimersByTime(21 * days - 1);
    expect(fired).toBe(0);
    vi.advanceTimersByTime(1);
    expect(fired).toBe(1);
  });

  it('fires soon after a sleep of the machine that went over the time', () => {
    vi.useFakeTimers();
    let slept = 0;
    const clock = systemClock({ wall: () => Date.now() + slept, steady: () => 0 });
    let fired = 0;
    clock.timer(3_600_000, () => fired++);
    slept = 4_000_000;
    vi.advanceTimersByTime(30_000);
    expect(fired).toBe(1);
  });
});
