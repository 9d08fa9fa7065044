import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { JobView } from '../../src/protocol/model.ts';
import { type Dev, dev, file, folder, forAll, until } from './lab.ts';

/** A site that keeps what it gave, and one that takes its machines back, needed or not. */
const CONFIG = `remotes:
  - name: steady
    kind: local
    flavors: { tiny: { cpus: 1, memory: 512MiB } }
  - name: fickle
    kind: local
    flavors: { spot: { cpus: 1, memory: 512MiB } }
    evictionRate: 1
    evictAfterMs: 4000
    evictionNoticeMs: 20000
`;

const node = forAll(async (): Promise<Dev> => {
  const home = await folder();
  const config = await file(join(home, 'swm.yaml'), CONFIG);
  return dev(join(home, 'spool'), ['--config', config]);
});

/** Counts ten a second, from what it saved last; says where it begins. */
const counting = (to: number, ...lines: readonly string[]): string =>
  [
    '#!/bin/sh',
    ...lines,
    'n=0',
    '[ -e "$SWM_CHECKPOINT_DIR/count" ] && n=$(cat "$SWM_CHECKPOINT_DIR/count")',
    'echo "attempt $SWM_ATTEMPT restart $SWM_RESTART from $n"',
    'save() { echo $n >"$SWM_CHECKPOINT_DIR/count"; : >"$SWM_CHECKPOINT_DIR/.done.$$";' +
      ' mv "$SWM_CHECKPOINT_DIR/.done.$$" "$SWM_CHECKPOINT_DIR/.done"; }',
    'trap save USR1',
    `while [ $n -lt ${to} ]; do n=$((n + 1)); sleep 0.1; done`,
    'echo "counted to $n"',
  ].join('\n');

const show = async (id: string): Promise<JobView> =>
  (await node().client.call('job.show', { id })).job;
const logOf = async (id: string): Promise<string> => (await node().run('logs', id)).stdout;
const beginsOf = (log: string) => {
  const [, attempt, restart, from] = /^attempt (\d+) restart (\d) from (\d+)$/m.exec(log) ?? [];
  return { attempt: Number(attempt), restart, from: Number(from) };
};

describe('a job that saves itself', { timeout: 120_000 }, () => {
  it('goes on from there when its machine is taken back', async () => {
    const id = await node().submit(counting(50, '#SWM checkpoint', '#SWM flavor spot'));
    await node().until(id, ({ phase }) => phase === 'ended', 100);
    const job = await show(id);
    const log = await logOf(id);
    expect([job.state, job.exitcode, job.run]).toEqual(['F', 0, 1]);
    expect(job.attempt).toBeGreaterThan(1);
    expect(job.timeline.map(({ what }) => what)).toContain(
      `the site takes node swm-${id.slice(0, 8)}-0 back`,
    );
    const begins = beginsOf(log);
    expect(begins).toMatchObject({ attempt: job.attempt, restart: '1' });
    expect(begins.from).toBeGreaterThan(0);
    expect(log).toContain('counted to 50');
    expect(job.checkpoint?.attempt).toBe(job.attempt - 1);
  });

  it('does so when it is asked to, and by its interval', async () => {
    const script = counting(10_000, '#SWM checkpoint-dir kept/%j', '#SWM checkpoint-signal usr1');
    const id = await node().submit(script);
    await node().until(id, ({ phase }) => phase === 'running');
    expect((await show(id)).checkpoint).toBe(undefined);
    await until(async () => (await logOf(id)).includes('attempt 1'));
    const asked = await node().run('checkpoint', id.slice(0, 8));
    expect([asked.code, asked.stdout.trim()]).toEqual([0, id]);
    await until(async () => (await show(id)).checkpoint !== undefined);
    const names = ['.done', 'count'].map((name) => `kept/${id}/${name}`);
    expect((await show(id)).checkpoint?.files.map(({ path }) => path)).toEqual(names);
    expect((await node().run('show', id)).stdout).toMatch(
      /^checkpoint +\S+.*, of attempt 1: 2 files, /m,
    );
    const before = (await show(id)).checkpoint?.at ?? 0;
    // Requeued, it saves itself once more and goes on.
    await node().run('requeue', id);
    await node().until(id, ({ phase, attempt }) => phase === 'running' && attempt === 2);
    expect((await show(id)).checkpoint?.at).toBeGreaterThan(before);
    await until(async () => (await logOf(id)).includes('attempt 2 restart 1'));
    expect(beginsOf(await logOf(id)).from).toBeGreaterThan(0);
    await node().run('cancel', id);
    await node().until(id, ({ phase }) => phase === 'ended');

    const often = await node().submit(counting(10_000, '#SWM checkpoint-interval 1'));
    await until(async () => ((await show(often)).checkpoint?.at ?? 0) > 0);
    const { at = 0 } = (await show(often)).checkpoint ?? {};
    await until(async () => ((await show(often)).checkpoint?.at ?? 0) > at);
    await node().run('cancel', often);
    expect((await node().until(often, ({ phase }) => phase === 'ended')).state).toBe('C');
  });

  it('leaves a node that is drained, and comes when it is resumed', async () => {
    const [{ name = '' } = {}] = (await node().client.call('node.list', {})).nodes.filter(
      ({ cluster }) => cluster === 'here',
    );
    const id = await node().submit(counting(10_000, '#SWM checkpoint', '#SWM cpus 1'));
    const runs = (attempt: number) => (job: { phase: string; attempt: number }) =>
      job.phase === 'running' && job.attempt === attempt;
    const first = await node().until(id, runs(1));
    await until(async () => (await logOf(id)).includes('attempt 1'));
    expect(first.nodes).toEqual([name]);
    const drained = await node().run('node', 'drain', name, '--requeue', '--reason', 'a new disk');
    expect([drained.code, drained.stdout.trim()]).toEqual([0, name]);
    const nodes = (await node().run('nodes')).stdout;
    expect(nodes).toMatch(/up, drained/);
    expect(nodes).toContain('a new disk');
    // As that of `swm dev` does, it goes to a site when no node has room.
    const second = await node().until(id, runs(2), 60);
    expect(second.nodes).not.toContain(name);
    await until(async () => (await logOf(id)).includes('attempt 2 restart 1'));
    await node().run('cancel', id);
    await node().until(id, ({ phase }) => phase === 'ended', 60);
    expect((await node().run('node', 'resume', name)).code).toBe(0);
    const last = await node().submit('#!/bin/sh\ntrue\n');
    expect((await node().until(last, ({ phase }) => phase === 'ended')).nodes).toEqual([name]);
  });
});
