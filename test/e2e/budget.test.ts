import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { dev, folder, swm } from './lab.ts';
import { isEnded } from './waiter.ts';

/** A thousand a second, billed by the second. */
const flavors = { gold: { cpus: 1, memory: '64MiB', price: 3_600_000 } };
const SITES = [{ name: 'local', kind: 'local', image: 'host', flavors, billingUnitMs: 1_000 }];
const script = (asks: string): string =>
  ['#!/bin/sh', '#SWM flavor gold', `#SWM ${asks}`, 'exec sleep 600', ''].join('\n');

it('a job is ended before its clusters cost more than it may', { timeout: 60_000 }, async () => {
  const home = await folder();
  const spool = join(home, 'spool');
  const accounts = ['--set', 'accounts={lab: {budget: 2500}}'];
  const node = await dev(spool, ['--set', `remotes=${JSON.stringify(SITES)}`, ...accounts]);

  const poor = await swm(['submit', '--spool', spool, '-'], { input: script('budget 999') });
  expect(poor.code).toBe(4);
  expect(poor.stderr).toContain('its budget of 999 does not pay for the first 1 s of 1 × gold');

  const id = await node.submit(script('budget 4500'));
  const ended = await node.until(id, isEnded);
  expect(ended).toMatchObject({ state: 'E', attempt: 1 });
  expect(ended.details).toMatch(/^cost \d+ of its budget of 4500, at 3600000 an hour$/);
  expect(readdirSync(join(spool, 'gates', 'local'))).toEqual([]);
  const { job } = await node.client.call('job.show', { id });
  expect(job.cost).toBeGreaterThanOrEqual(4_000);
  expect((await node.run('show', id)).stdout).toMatch(/^budget +4500$/m);

  const charged = await node.submit(script('account lab'));
  const stopped = await node.until(charged, isEnded);
  expect(stopped).toMatchObject({ state: 'E', attempt: 1 });
  expect(stopped.details).toMatch(/^account lab has cost \d+ of its budget of 2500$/);
  expect(readdirSync(join(spool, 'gates', 'local'))).toEqual([]);
  const { stdout } = await node.run('accounts');
  expect(stdout).toMatch(/^lab +\d{4}\.00 +2500\.00 +0 +0$/m);
});
