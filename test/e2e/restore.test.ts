import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { SiteRow } from '../../src/protocol/terminal-shapes.ts';
import { dev, folder, swm } from './lab.ts';
import { pidOf, waiter } from './waiter.ts';

const json = <T>(text: string): T => JSON.parse(text.trim().split('\n').at(-1) ?? '') as T;

it('a restored head sweeps nothing until an operator has seen the list', {
  timeout: 60_000,
}, async () => {
  const home = await folder();
  const spool = join(home, 'spool');
  const first = await dev(spool);
  const backup = join(home, 'records.mdb');
  expect((await first.run('backup', backup)).code).toBe(0);
  const job = await waiter(home, 'relocatable');
  const id = await first.submit(job.script);
  await pidOf(first, id);
  await first.kill('SIGKILL');
  const restored = await swm(['restore', backup, '--spool', spool]);
  expect(restored.code, restored.stderr).toBe(0);

  const again = await dev(spool);
  expect(await again.jobs()).toEqual([]);
  const status = await again.run('status');
  expect(status.code).toBe(1);
  expect(status.stderr).toContain('swm sweep');
  type Told = { swept: boolean; strays: readonly SiteRow[] };
  const told = json<Told>((await again.run('sweep', '--json')).stdout);
  const name = `swm-${id.slice(0, 8)}`;
  expect(told).toMatchObject({ swept: false, strays: [{ name, mark: 'stray', phase: '' }] });
  const all = json<SiteRow[]>((await again.run('clusters', '--all-remotes', '--json')).stdout);
  expect(all.map((row) => `${row.mark} ${row.name}`)).toEqual([`stray ${name}`]);
  expect(readdirSync(join(spool, 'gates', 'local'))).not.toEqual([]);

  expect((await again.run('sweep', '--confirm')).code).toBe(0);
  expect(json<Told>((await again.run('sweep', '--json')).stdout).swept).toBe(true);
  expect((await again.run('status')).code).toBe(0);
  await again.kill('SIGTERM');
  const third = await dev(spool);
  expect(json<Told>((await third.run('sweep', '--json')).stdout).swept).toBe(true);
});
