import { chmodSync, readFileSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Failed } from '../../src/protocol/errors.ts';
import { heads, jobOf, logOf, place, submit, untilJob, whole } from './heads.ts';
import { file, forAll, swm, until } from './lab.ts';
import { isEnded, waiter } from './waiter.ts';

const lines = (count: number): string =>
  Array.from({ length: count }, (_, at) => `${at}\n`).join('');
const counting = (count: number, pause: string): string => `#!/bin/sh
i=0
while [ $i -lt ${count} ]; do echo $i; i=$((i+1)); sleep ${pause}; done
exit 3
`;

/** Who asks with a key of their own gets one job, whichever head they ask. */
const KEY = 'the one and only';

describe('three heads', { timeout: 90_000 }, () => {
  const group = forAll(() => heads());

  it('give one job for one key, asked of all at once, and refuse it for another', async () => {
    const clients = group().heads.map((head) => group().client([head]));
    const asked = [...clients, ...clients].map((each) => submit(each, counting(1, '0'), KEY));
    const ids = new Set(await Promise.all(asked));
    expect(ids.size).toBe(1);
    const other = submit(clients[2]!, counting(2, '0'), KEY);
    await expect(other).rejects.toMatchObject({ failure: { code: 'key_reused' } });
    const [id] = [...ids] as [string];
    await untilJob(clients[1]!, id, isEnded);
    for (const client of clients) {
      const { jobs } = await client.call('job.list', {});
      expect(jobs.filter((job) => job.id === id)).toHaveLength(1);
      expect(jobs).toHaveLength(1);
    }
  });

  it('hand the lead over: work goes on, and who led follows', async () => {
    const before = await whole(group());
    const client = group().client();
    const job = await waiter(place(group()));
    const id = await submit(client, job.script);
    await untilJob(client, id, ({ phase }) => phase === 'running');
    const to = group().heads.find((head) => head !== before)!;
    const done = await swm(['leader', 'transfer', to.name, '--json', ...group().place()]);
    expect(done).toMatchObject({ code: 0, stdout: `${JSON.stringify({ leader: to.name })}\n` });
    await until(async () => (await group().leader()).name === to.name);
    expect((await group().status(before)).role).toBe('follower');
    await job.go();
    const ended = await untilJob(client, id, isEnded);
    expect(ended).toMatchObject({ state: 'F', exitcode: 3, attempt: 1, run: 1 });
    expect(await job.starts()).toBe(1);
  });

  it('lose the one that leads, and no job feels it', async () => {
    const leader = await whole(group());
    const client = group().client();
    const from = place(group());
    const count = await file(join(from, 'starts'), '', 0o666);
    const script = counting(20, '0.2').replace('\n', `\necho x >>${count}\n`);
    const id = await submit(client, script);
    await untilJob(client, id, ({ phase }) => phase === 'running');
    await leader.signal('SIGKILL');
    const next = await submit(client, counting(1, '0'));
    const ended = await untilJob(client, id, isEnded);
    expect(ended).toMatchObject({ state: 'F', exitcode: 3, attempt: 1, run: 1 });
    expect(readFileSync(count, 'utf8')).toBe('x\n');
    await untilJob(client, next, isEnded);
    const left = group().heads.filter((head) => head !== leader);
    const lists = [];
    for (const head of left) {
      const alone = group().client([head]);
      expect(await logOf(alone, id)).toBe(lines(20));
      const done = await swm(['jobs', '--json', ...group().place([head])]);
      expect(done.code).toBe(0);
      lists.push(JSON.parse(done.stdout));
    }
    expect(lists[0]).toEqual(lists[1]);
    expect(lists[0].map((job: { id: string }) => job.id)).toContain(next);
    await leader.start();
    await group().leader();
    const back = await group().client([leader]).call('job.list', {});
    expect(back.jobs.map((job) => job.id)).toContain(next);
  });

  it('keep logs and outputs when the disk of the leader is gone, and replace it', async () => {
    const leader = await whole(group());
    const from = place(group());
    chmodSync(from, 0o755);
    const output = 'x'.repeat(300_000);
    const script = await file(
      join(from, 'a.job'),
      `#!/bin/sh\n#SWM input-files in\n#SWM output-files out\ncat in >out\necho said\n`,
    );
    await writeFile(join(from, 'in'), output);
    const sent = await swm(['submit', '--wait', script, ...group().place()], { cwd: from });
    expect(sent).toMatchObject({ code: 0 });
    const id = sent.stdout.trim();
    await leader.signal('SIGKILL');
    rmSync(leader.spool, { recursive: true });
    for (const head of group().heads.filter((each) => each !== leader)) {
      expect(await logOf(group().client([head]), id)).toBe('said\n');
      const to = join(from, `got-${head.name}`);
      expect(await swm(['get', id, '--to', to, ...group().place([head])])).toMatchObject({
        code: 0,
      });
      expect(readFileSync(join(to, 'out'), 'utf8')).toBe(output);
    }
    const fresh = await group().replaced(leader, `${leader.name}-again`);
    await group().leader();
    const alone = group().client([fresh]);
    expect(await jobOf(alone, id)).toMatchObject({ state: 'F', attempt: 1 });
    expect(await logOf(alone, id)).toBe('said\n');
    const { jobs } = await alone.call('job.list', {});
    expect(jobs).toEqual((await group().client().call('job.list', {})).jobs);
    const names = (await alone.call('head.list', {})).heads.map(({ name }) => name);
    expect(names).toContain(fresh.name);
    expect(names).not.toContain(leader.name);
  });

  it('do not take one back that has lost what it promised to remember', async () => {
    const leader = await whole(group());
    const head = group().heads.find((each) => each !== leader)!;
    await head.signal('SIGKILL');
    rmSync(join(head.spool, 'control'), { recursive: true });
    const { code, text } = await head.fail();
    expect(code).toBe(2);
    expect(text).toContain(`${join(head.spool, 'control')} is gone`);
    expect(text).toContain(`swm head remove ${head.name}`);
    const fresh = await group().replaced(head, `${head.name}-anew`);
    const id = await submit(group().client([fresh]), counting(1, '0'));
    await untilJob(group().client([fresh]), id, isEnded);
  });
});

describe('one head of three', { timeout: 90_000 }, () => {
  const group = forAll(() => heads({ workers: 1 }));

  it('promises nothing alone, nor answers for the others; with one more all goes on', async () => {
    const leader = await whole(group());
    const others = group().heads.filter((head) => head !== leader);
    const before = await submit(group().client(), counting(1, '0'), 'before');
    await untilJob(group().client(), before, isEnded);
    for (const head of others) await head.signal('SIGKILL');
    const alone = group().client([leader]);
    for (const ask of [
      () => alone.call('job.submit', { script: counting(2, '0'), inputs: [] }, { ms: 3_000 }),
      () => alone.call('job.list', {}, { ms: 3_000 }),
      () => alone.call('job.show', { id: before }, { ms: 3_000 }),
    ]) {
      const why = await ask().then(
        (answer) => `answered ${JSON.stringify(answer)}`,
        (error: unknown) => error,
      );
      expect(why).toBeInstanceOf(Failed);
      const { code, text } = (why as Failed).failure;
      expect(['unreachable', 'timeout', 'unknown_outcome']).toContain(code);
      expect(text.length).toBeGreaterThan(10);
    }
    const stale = await alone.call('job.list', { stale: true });
    expect(stale.jobs.map(({ id }) => id)).toEqual([before]);
    await others[0]!.start();
    const client = group().client([leader, others[0]!]);
    const after = await submit(client, counting(3, '0'), 'after');
    const ended = await untilJob(client, after, isEnded);
    expect(ended).toMatchObject({ state: 'F', exitcode: 3, attempt: 1 });
    await others[1]!.start();
    await group().leader();
    const lists = [];
    for (const head of group().heads)
      lists.push((await group().client([head]).call('job.list', {})).jobs);
    expect(lists[1]).toEqual(lists[0]);
    expect(lists[2]).toEqual(lists[0]);
  });
});
