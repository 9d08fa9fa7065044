import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { JobRow } from '../../src/protocol/model.ts';
import { type Dev, dev, file, folder, forAll, until } from './lab.ts';
import { isEnded, waiter } from './waiter.ts';

const lab = forAll(async () => {
  const home = await folder();
  return { home, node: await dev(join(home, 'spool'), ['--set', 'jobs.relocate=asked']) };
});

/** A job that waits for others, and notes in a file of all that it ran. */
const noted = (log: string, name: string, ...directives: readonly string[]): string =>
  [
    '#!/bin/sh',
    `#SWM name ${name}`,
    ...directives.map((each) => `#SWM ${each}`),
    `echo ${name} >>${log}`,
    '',
  ].join('\n');

const ended = (node: Dev, ids: readonly string[]): Promise<readonly JobRow[]> =>
  Promise.all(ids.map((id) => node.until(id, isEnded, 60)));

it('a job says for which others it waits, and not for what is not there', {
  timeout: 60_000,
}, async () => {
  const { home, node } = lab();
  const [top, next] = [await node.submit('#!/bin/sh\n#SWM hold\n'), '#!/bin/sh\n#SWM after-ok'];
  const middle = await node.submit(`${next} ${top}\n`);
  const last = await node.submit(`${next} ${middle} ${top.slice(0, 8)}\n`);
  expect(await node.job(middle)).toMatchObject({
    state: 'Q',
    details: `job ${top.slice(0, 8)} is first to end well (held now)`,
  });
  const why = await node.run('why', last, '--all');
  expect(why.stdout).toMatch(/waits for a place: job \w{8} is first to end well \(queued now\)\n/);
  expect(why.stdout).toContain(`also: job ${top.slice(0, 8)} is first to end well (held now)`);
  const unknown = await file(join(home, 'unknown.job'), '#SWM after-ok ffffffff\n');
  const refused = await node.run('submit', unknown);
  expect(refused).toMatchObject({ code: 5, stdout: '' });
  expect(refused.stderr).toContain('after-ok: you have no job ffffffff');
  // One that is cancelled takes with it what waits for its good end, and what waits for that.
  await node.run('cancel', top);
  const [, cut] = await ended(node, [middle, last]);
  expect(cut).toMatchObject({
    state: 'E',
    details: expect.stringContaining(' was to run only if '),
  });
});

it('jobs run in the order of what they wait for, also over the end of their head', {
  timeout: 120_000,
}, async () => {
  const home = await folder();
  const spool = join(home, 'spool');
  const log = await file(join(home, 'log'), '', 0o666);
  const before = await dev(spool);
  const first = await waiter(home);
  const submit = (name: string, ...directives: readonly string[]): Promise<string> =>
    before.submit(noted(log, name, ...directives));

  const top = await before.submit(first.script);
  // A diamond, whose begin ends with 3; and beside it what runs as soon as that has started.
  const left = await submit('left', `after-not-ok ${top}`);
  const right = await submit('right', `after-any ${top.slice(0, 8)}`);
  const bottom = await submit('bottom', `after-ok ${left} ${right}`, `after ${top}`);
  const soon = await submit('soon', `after ${top}`);
  // A chain that is broken at its begin.
  const never = await submit('never', `after-ok ${top}`);
  const nextToIt = await submit('next-to-it', `after-ok ${never}`);
  const held = await submit('held', `after-ok ${bottom}`, 'hold');
  await before.until(soon, isEnded);

  // It ends while there is no head, and nobody tells those that wait for it.
  await before.kill('SIGKILL');
  await first.go();
  const node = await dev(spool);
  const [, , last, broken, alsoBroken] = await ended(node, [left, right, bottom, never, nextToIt]);
  expect(last).toMatchObject({ state: 'F', exitcode: 0 });
  const why = `waited for job ${top}, which ended with exit code 3; `;
  expect(broken).toMatchObject({
    state: 'E',
    details: `${why}it was to run only if it ended well`,
  });
  expect(alsoBroken?.details).toContain(`job ${never}, which could not be run to its end`);

  // Between the end of what it waited for and its own start there is another head.
  await node.kill('SIGKILL');
  const third = await dev(spool);
  expect((await third.run('release', held)).code).toBe(0);
  await third.until(held, isEnded);
  const [begin, , , ...end] = await linesOf(log);
  expect([begin, ...end]).toEqual(['soon', 'bottom', 'held']);
});

it('all that wait for one go on, or all of them end', {
  timeout: 120_000,
}, async () => {
  const { home, node } = lab();
  const log = await file(join(home, 'log'), '', 0o666);
  const first = await waiter(home);
  const top = await node.submit(first.script);
  const submit = async (directive: string): Promise<string> => {
    const script = noted(log, 'one', `${directive} ${top}`);
    return (await node.client.call('job.submit', { script, inputs: [] })).id;
  };
  const go = await Promise.all(Array.from({ length: 10 }, () => submit('after-not-ok')));
  const end = await Promise.all(Array.from({ length: 200 }, () => submit('after-ok')));
  await first.go();
  const waiting = new Set([...go, ...end]);
  const waited = async (): Promise<readonly JobRow[]> =>
    (await node.jobs()).filter(({ id }) => waiting.has(id));
  await until(async () => (await waited()).every(isEnded), 60);
  for (const job of await waited()) expect(job.state).toBe(go.includes(job.id) ? 'F' : 'E');
  expect(await waited()).toHaveLength(waiting.size);
  expect(await linesOf(log)).toHaveLength(go.length);
  // What is left of a purged job still says how it ended.
  expect(await node.client.call('job.purge', { id: top })).toEqual({ id: top });
  await node.until(await submit('after-not-ok'), isEnded);
  expect(await linesOf(log)).toHaveLength(go.length + 1);
});

async function linesOf(path: string): Promise<readonly string[]> {
  return (await readFile(path, 'utf8')).trim().split('\n');
}
