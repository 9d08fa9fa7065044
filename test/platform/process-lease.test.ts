import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AttemptKey } from '../../src/actors/ports.ts';
import { bootMs } from '../../src/platform/process/leases.ts';
import { codeOf, open, someKey } from '../ports/processes.suite.ts';
import { isAlive, RealPlace, readText, until } from './process-place.ts';

const LONG_MS = 60_000;

describe('a lease', { timeout: 30_000 }, () => {
  let place: RealPlace;
  const workers: number[] = [];

  beforeEach(() => {
    place = new RealPlace();
  });
  afterEach(async () => {
    for (const pid of workers.splice(0)) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    await place.clear();
  });

  const nameOf = ({ job, attempt, rank }: AttemptKey) => `${job}.${attempt}.${rank}`;
  const guards = (key: AttemptKey): readonly number[] =>
    readdirSync('/proc').flatMap((pid) => {
      const words = readText(`/proc/${pid}/cmdline`);
      return /guard/.test(words) && words.includes(nameOf(key)) ? [Number(pid)] : [];
    });
  const guardOf = (key: AttemptKey): number =>
    Number(/^guard (\d+)/.exec(readText(join(place.records, `${nameOf(key)}.guard`)))?.[1]);

  /** A worker of its own; it starts the job once its lease is there. */
  const worker = async () => {
    const program = join(import.meta.dirname, 'process-worker.ts');
    const child = spawn(process.execPath, [program, place.records, place.root], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    workers.push(child.pid as number);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const next = async (): Promise<string> => (await lines.next()).value ?? '';
    expect(await next()).toBe('open');
    return {
      ask: (order: object) => {
        child.stdin.write(`${JSON.stringify(order)}\n`);
        return next();
      },
      kill: async () => {
        child.kill('SIGKILL');
        await once(child, 'exit');
      },
    };
  };

  /** A job whose tree hides: a child in a session of its own, with an empty environment. */
  const hiding = (key: AttemptKey) => {
    const pids = join(place.work, `${key.job}.pids`);
    const hidden = `env -i setsid sh -c 'echo $$ >>${pids}; exec sleep 300'`;
    const order = place.script(key, `#!/bin/sh\n${hidden} &\necho $$ >>${pids}\nsleep 300\n`);
    const seen = () => readText(pids).split('\n').filter(Boolean).map(Number);
    return { order, seen };
  };

  it('that runs out ends the whole tree of a job whose worker was killed', async () => {
    const key = someKey();
    const { order, seen } = hiding(key);
    const first = await worker();
    expect(await first.ask({ ...order, leaseMs: LONG_MS })).toMatch(/^pid \d+$/);
    const tree = await until('the tree is there', () => seen().length === 2 && seen());
    expect(await first.ask({ renew: key, leaseMs: 1_500 })).toBe('renewed');
    const renewedAt = bootMs();
    await first.kill();
    expect(tree.every(isAlive)).toBe(true);
    await until('all of it is dead', () => !tree.some(isAlive));
    // It may not end before its time either.
    expect(bootMs() - renewedAt).toBeGreaterThanOrEqual(1_300);
    await until('its guard is gone', () => guards(key).length === 0);
    const next = await place.open();
    expect(await next.exited(key, open)).toMatchObject({ signal: 9, leaseOut: true });
  });

  it('also when its slot was killed with the worker', async () => {
    const key = someKey();
    const { order, seen } = hiding(key);
    const first = await worker();
    await first.ask({ ...order, leaseMs: LONG_MS });
    const [main = 0] = await until('the tree is there', () => seen().length === 2 && seen());
    await first.ask({ renew: key, leaseMs: 1_000 });
    await first.kill();
    process.kill(place.slotOf(key), 'SIGKILL');
    await until('it is dead', () => !isAlive(main));
    await until('its guard is gone', () => guards(key).length === 0);
    const next = await place.open();
    expect(await next.exited(key, open)).toMatchObject({ leaseOut: true });
  });

  it('has one guard, which the next worker finds again', async () => {
    const key = someKey();
    const job = place.waiting(key);
    const first = await worker();
    await first.ask({ ...job.order, leaseMs: LONG_MS });
    const guard = guardOf(key);
    expect(guards(key)).toEqual([guard]);
    await first.kill();
    const next = await place.open();
    await Promise.all([1, 2, 3].map(() => next.renew(key, bootMs() + LONG_MS)));
    expect([guards(key), guardOf(key)]).toEqual([[guard], guard]);
    job.go();
    expect(await next.exited(key, open)).toMatchObject({ code: 17, signal: 0 });
    await until('its guard is gone', () => guards(key).length === 0);
    await next.forget(key);
    expect(readdirSync(place.records).filter((file) => file.startsWith(key.job))).toEqual([]);
  });

  it('that is taken by several at once has one guard', async () => {
    const key = someKey();
    const life = await place.open();
    await Promise.all([1, 2, 3, 4].map(() => life.renew(key, bootMs() + LONG_MS)));
    await until('the others are gone', () => guards(key).length === 1);
    expect(guards(key)).toEqual([guardOf(key)]);
    await life.stop(key, 0);
    await until('its guard is gone', () => guards(key).length === 0);
  });

  it('whose guard was killed gets another with the next renewal', async () => {
    const key = someKey();
    const life = await place.open();
    await life.renew(key, bootMs() + LONG_MS);
    await life.ensure(place.order(key, { is: 'lasts', deaf: false }));
    const guard = guardOf(key);
    process.kill(guard, 'SIGKILL');
    await until('it is gone', () => guards(key).length === 0);
    await life.renew(key, bootMs() + 500);
    expect(guards(key)).toHaveLength(1);
    expect(await life.exited(key, open)).toMatchObject({ leaseOut: true });
  });

  it('that ran out before the start lets nothing start', async () => {
    const key = someKey();
    const life = await place.open();
    await life.renew(key, bootMs() + 100);
    await until('the guard has seen it', () => place.record(key).includes('refused'));
    const order = place.order(key, { is: 'exits', code: 0 });
    expect(await codeOf(life.ensure(order))).toBe('lost');
    expect(place.starts(key)).toBe(0);
  });

  it('of one attempt ends no other', async () => {
    const [one, other] = [someKey(), someKey()];
    const life = await place.open();
    for (const key of [one, other]) {
      await life.renew(key, bootMs() + LONG_MS);
      await life.ensure(place.order(key, { is: 'lasts', deaf: false }));
      await place.underWay(key);
    }
    await life.renew(one, bootMs() + 200);
    expect(await life.exited(one, open)).toMatchObject({ leaseOut: true });
    expect(guards(other)).toHaveLength(1);
    await life.stop(other, 0);
    const exit = await life.exited(other, open);
    expect([exit.signal, exit.leaseOut]).toEqual([9, undefined]);
  });
});
