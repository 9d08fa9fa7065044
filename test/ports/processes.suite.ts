import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AttemptKey, Processes, ProcessOrder } from '../../src/actors/ports.ts';
import { Failed, Malformed } from '../../src/protocol/errors.ts';

/** What a process of the suite does. */
export type Plan =
  | { readonly is: 'exits'; readonly code: number; readonly afterMs?: number }
  /** It ends itself by a TERM. */
  | { readonly is: 'killed' }
  /** It lasts until it is told by a USR1. */
  | { readonly is: 'told'; readonly code: number }
  | { readonly is: 'lasts'; readonly deaf: boolean };

/** One machine, on which a worker lives one life after the other. */
export type ProcessPlace = {
  open(): Promise<Processes & { close(): void }>;
  order(key: AttemptKey, plan: Plan): ProcessOrder;
  /** Resolves when the process has begun with its plan. */
  underWay(key: AttemptKey): Promise<void>;
  /** How often the attempt's process was started. */
  starts(key: AttemptKey): number;
  clear(): Promise<void>;
};

let made = 0;
/** A key that no other test has. */
export const someKey = (attempt = 1, rank = 0): AttemptKey => ({
  job: `job-${process.pid}-${++made}`,
  attempt,
  rank,
});

/** The code of the `Failed` that it ends with, or 'none'. */
export const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (error) => (error instanceof Failed ? error.failure.code : String(error)),
  );

export const open = new AbortController().signal;

/** What a place differs in from others. */
export type Ability = {
  /** Container engines tell 143 as the signal that it stands for in a shell. */
  readonly codes: readonly number[];
  readonly atOnce: number;
};

/** What every place of processes owes its callers; run on each implementation. */
export function processesSuite(
  name: string,
  makePlace: () => Promise<ProcessPlace>,
  { codes, atOnce }: Ability = { codes: [0, 1, 42, 143, 255], atOnce: 20 },
): void {
  describe(name, () => {
    let place: ProcessPlace;
    let processes: Processes & { close(): void };

    beforeEach(async () => {
      place = await makePlace();
      processes = await place.open();
    });
    afterEach(async () => {
      processes.close();
      await place.clear();
    });

    const reopen = async (): Promise<void> => {
      processes.close();
      processes = await place.open();
    };
    const run = async (plan: Plan, key = someKey()) => {
      const started = await processes.ensure(place.order(key, plan));
      return { started, exit: await processes.exited(key, open) };
    };

    it.each(codes)('tells exit code %i', async (code) => {
      const before = Date.now() - 1;
      const { started, exit } = await run({ is: 'exits', code });
      expect(exit).toEqual({ code, signal: 0, at: exit.at, outOfMemory: false, lost: false });
      expect(started.pid).toBeGreaterThan(0);
      const times = [before, started.at, exit.at, Date.now() + 1];
      expect(times).toEqual(times.toSorted((a, b) => a - b));
    });

    it('tells a signal from the exit code that a shell would make of it', async () => {
      const { exit } = await run({ is: 'killed' });
      expect(exit).toMatchObject({ code: 0, signal: 15, lost: false });
    });

    it('starts an attempt once, however often it is ensured', async () => {
      const key = someKey();
      const order = place.order(key, { is: 'lasts', deaf: false });
      const all = await Promise.all([1, 2, 3].map(() => processes.ensure(order)));
      all.push(await processes.ensure(order));
      await place.underWay(key);
      await processes.stop(key, 0);
      all.push(await processes.ensure(order));
      expect(new Set(all.map(({ pid }) => pid)).size).toBe(1);
      expect(place.starts(key)).toBe(1);
    });

    it('takes each attempt and each rank of a job for itself', async () => {
      const { job } = someKey();
      const keys = [
        { job, attempt: 1, rank: 0 },
        { job, attempt: 2, rank: 0 },
        { job, attempt: 2, rank: 1 },
      ];
      const ends = await Promise.all(keys.map((key, code) => run({ is: 'exits', code }, key)));
      expect(ends.map(({ exit }) => exit.code)).toEqual([0, 1, 2]);
    });

    it(`runs ${atOnce} at once`, async () => {
      const plans = Array.from({ length: atOnce }, (_, code) => ({ code, key: someKey() }));
      const ends = await Promise.all(
        plans.map(({ code, key }) => run({ is: 'exits', code, afterMs: 200 }, key)),
      );
      expect(ends.map(({ exit }) => exit.code)).toEqual(plans.map(({ code }) => code));
    });

    it('refuses for ever what was stopped before it was seen', async () => {
      const key = someKey();
      await processes.stop(key, 1_000);
      const order = place.order(key, { is: 'exits', code: 0 });
      expect(await codeOf(processes.ensure(order))).toBe('refused');
      expect(await codeOf(processes.exited(key, open))).toBe('refused');
      await reopen();
      expect(await codeOf(processes.ensure(order))).toBe('refused');
      await processes.stop(key, 0);
      await processes.forget(key);
      expect(await codeOf(processes.ensure(order))).toBe('refused');
      expect(place.starts(key)).toBe(0);
    });

    it('ends what listens by TERM, well before the grace is over', async () => {
      const key = someKey();
      await processes.ensure(place.order(key, { is: 'lasts', deaf: false }));
      await place.underWay(key);
      await processes.stop(key, 15_000);
      expect(await processes.exited(key, open)).toMatchObject({ signal: 15, lost: false });
    });

    it('kills what does not listen when the grace is over', async () => {
      const key = someKey();
      await processes.ensure(place.order(key, { is: 'lasts', deaf: true }));
      await place.underWay(key);
      await processes.stop(key, 100);
      expect(await processes.exited(key, open)).toMatchObject({ signal: 9, lost: false });
      await processes.stop(key, 100);
      expect(place.starts(key)).toBe(1);
    });

    it('leaves the exit of an ended attempt as it is', async () => {
      const key = someKey();
      const { exit } = await run({ is: 'exits', code: 7 }, key);
      await processes.stop(key, 0);
      expect(await processes.exited(key, open)).toEqual(exit);
    });

    it('takes up in its next life what runs and what has ended', async () => {
      const [running, ended] = [someKey(), someKey()];
      const lasting = place.order(running, { is: 'lasts', deaf: false });
      const brief = place.order(ended, { is: 'exits', code: 9, afterMs: 50 });
      const before = await Promise.all([processes.ensure(lasting), processes.ensure(brief)]);
      await Promise.all([place.underWay(running), place.underWay(ended)]);
      await reopen();
      expect(await processes.exited(ended, open)).toMatchObject({ code: 9, lost: false });
      expect(await Promise.all([lasting, brief].map((order) => processes.ensure(order)))).toEqual(
        before,
      );
      await processes.stop(running, 5_000);
      expect(await processes.exited(running, open)).toMatchObject({ signal: 15, lost: false });
      expect([running, ended].map((key) => place.starts(key))).toEqual([1, 1]);
    });

    it('stops in its next life what it has not been asked for there', async () => {
      const key = someKey();
      await processes.ensure(place.order(key, { is: 'lasts', deaf: true }));
      await reopen();
      await processes.stop(key, 0);
      expect(await processes.exited(key, open)).toMatchObject({ signal: 9, lost: false });
    });

    it('forgets an ended attempt, and never starts it again', async () => {
      const key = someKey();
      const order = place.order(key, { is: 'exits', code: 0 });
      await processes.ensure(order);
      await processes.exited(key, open);
      await processes.forget(key);
      await processes.forget(key);
      expect(await codeOf(processes.exited(key, open))).toBe('not_found');
      expect(await codeOf(processes.ensure(order))).toBe('refused');
      await processes.stop(key, 0);
      await reopen();
      expect(await codeOf(processes.ensure(order))).toBe('refused');
      expect(place.starts(key)).toBe(1);
    });

    it('forgets what it never saw, but nothing that runs', async () => {
      const [unseen, running] = [someKey(), someKey()];
      await processes.forget(unseen);
      const order = place.order(unseen, { is: 'exits', code: 0 });
      expect(await codeOf(processes.ensure(order))).toBe('refused');
      await processes.ensure(place.order(running, { is: 'lasts', deaf: false }));
      expect(await codeOf(processes.forget(running))).toBe('wrong_phase');
      await processes.stop(running, 0);
      await processes.forget(running);
    });

    it('ends what was not allowed to go on for longer, also without its worker', async () => {
      const key = someKey();
      await processes.renew(key, processes.bootMs() + 20_000);
      await processes.ensure(place.order(key, { is: 'lasts', deaf: true }));
      await processes.renew(key, processes.bootMs() + 300);
      await reopen();
      expect(await processes.exited(key, open)).toMatchObject({ signal: 9, leaseOut: true });
      expect(place.starts(key)).toBe(1);
      await processes.forget(key);
    });

    it('lets go on what is allowed to again and again, and then says how it ended', async () => {
      const key = someKey();
      await processes.renew(key, processes.bootMs() + 20_000);
      await processes.ensure(place.order(key, { is: 'exits', code: 3, afterMs: 200 }));
      await processes.renew(key, processes.bootMs() + 30_000);
      const exit = await processes.exited(key, open);
      expect(exit).toMatchObject({ code: 3, signal: 0 });
      expect(exit.leaseOut).toBeUndefined();
      expect(await codeOf(processes.renew(key, processes.bootMs()))).toBe('timeout');
    });

    it('tells a process what it listens for, also in its next life', async () => {
      const key = someKey();
      await processes.ensure(place.order(key, { is: 'told', code: 9 }));
      await place.underWay(key);
      await reopen();
      expect(await processes.signal(key, 'usr1')).toBe(true);
      expect(await processes.exited(key, open)).toMatchObject({ code: 9, signal: 0 });
      expect(await processes.signal(key, 'usr1')).toBe(false);
    });

    it('tells nobody who would die of it, nor of whom nothing is known', async () => {
      const key = someKey();
      expect(await processes.signal(key, 'usr1')).toBe(false);
      await processes.ensure(place.order(key, { is: 'lasts', deaf: false }));
      await place.underWay(key);
      expect(await processes.signal(key, 'usr1')).toBe(false);
      await processes.stop(key, 5_000);
      expect(await processes.exited(key, open)).toMatchObject({ signal: 15 });
    });

    it('stops listening on abort, and nothing else', async () => {
      const key = someKey();
      await processes.ensure(place.order(key, { is: 'exits', code: 3, afterMs: 200 }));
      const ear = new AbortController();
      const heard = processes.exited(key, ear.signal);
      ear.abort(new Error('enough'));
      await expect(heard).rejects.toThrow('enough');
      await expect(processes.exited(key, ear.signal)).rejects.toThrow('enough');
      expect(await processes.exited(key, open)).toMatchObject({ code: 3, signal: 0 });
    });

    it('knows nothing of an attempt that nobody ordered', async () => {
      expect(await codeOf(processes.exited(someKey(), open))).toBe('not_found');
    });

    it.each(['', '../x', 'a/b', '.hidden', 'x'.repeat(101)])('takes no job %j', async (job) => {
      const order = { ...place.order(someKey(), { is: 'exits', code: 0 }) };
      const key = { job, attempt: 1, rank: 0 };
      await expect(processes.ensure({ ...order, key })).rejects.toBeInstanceOf(Malformed);
      await expect(processes.stop(key, 0)).rejects.toBeInstanceOf(Malformed);
    });
  });
}
