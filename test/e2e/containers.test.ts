import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startDockerd } from '../platform/container/dockerd.ts';
import { busyboxTar, IMAGE, type RealEngine } from '../platform/container/real-engine.ts';
import { startRegistry } from '../platform/container/registry.ts';
import { cleanup, type Dev, dev, file, folder, forAll, swm, until } from './lab.ts';
import { processesOf } from './machine.ts';
import { isEnded, logOf } from './waiter.ts';

const scriptOf = (...lines: readonly string[]): string =>
  ['#!/bin/sh', `#SWM container-image ${IMAGE}`, ...lines, ''].join('\n');

/** Says who it is and goes on until it is let; it may be so everywhere, so it is here. */
const lasting = scriptOf(
  'echo "begin $$"',
  'echo x >>starts',
  'until [ -e go ]; do sleep 0.05; done',
  'exit 3',
);

const workOf = ({ spool }: Dev, id: string): string => join(spool, 'job', id, '1.0', 'work');

const containersOf = async ({ docker }: RealEngine, id: string): Promise<number> => {
  const filters = { label: [`swm.job=${id}`] };
  return (await docker.listContainers({ all: true, filters })).length;
};

async function begins(node: Dev, id: string): Promise<void> {
  await node.until(id, (row) => row.phase === 'running');
  await until(async () => (await logOf(node, id)).startsWith('begin'));
}

describe('a job in a container', { timeout: 60_000 }, () => {
  const place = forAll(async () => {
    const home = await folder();
    const engine = await startDockerd();
    cleanup(() => engine.end());
    const keys = [`containers.socket=${engine.socket}`, 'jobs.relocate=asked', 'jobs.path=/none'];
    const args = keys.flatMap((key) => ['--set', key]);
    return { home, engine, args, node: await dev(join(home, 'spool'), args) };
  });

  it('is entered by commands, of which nothing is left', async () => {
    const { node } = place();
    const id = await node.submit(lasting, '-e', 'COLOUR=blue');
    await begins(node, id);
    const words = ['sh', '-c', 'ls go 2>&1; echo $COLOUR $SWM_JOB_ID; cat; echo e >&2; exit 7'];
    const inside = await swm(['exec', id, '--spool', node.spool, '--', ...words], {
      input: 'typed',
    });
    expect(inside).toEqual({
      code: 7,
      stdout: `ls: go: No such file or directory\nblue ${id}\ntyped`,
      stderr: 'e\n',
    });
    const before = processesOf(id).length;
    const window = { columns: 123, rows: 33, term: 'dumb' };
    const size = 'until stty size 2>&- | grep 3; do sleep 0.1; done';
    const hide = ['sh', '-c', `sleep 1000 & tty; ${size}; echo $TERM; wait`];
    const execution = await node.client.exec(id, hide, { window });
    let text = '';
    for await (const { bytes } of execution.read()) {
      text += Buffer.from(bytes).toString();
      if (text.includes('dumb')) break;
    }
    expect(text).toMatch(/^\/dev\/pts\/\d+\r\n33 123\r\ndumb\r\n$/);
    await until(() => processesOf(id).length === before);
    await file(join(workOf(node, id), 'go'), '');
    expect(await node.until(id, isEnded)).toMatchObject({ state: 'F', exitcode: 3 });
  });

  it('has its files and its environment, is reached at its port, and shows its image', async () => {
    const { home, engine, node } = place();
    const from = join(home, 'from');
    await mkdir(from);
    await file(join(from, 'page'), 'of the submitter\n');
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const script = scriptOf(
      '#SWM name boxed',
      '#SWM input-files page',
      '#SWM output-files made',
      '#SWM env GREETING=hello',
      `#SWM ports ${port}/tcp/in`,
      'echo "$SWM_JOB_NAME $GREETING $(pwd | grep -c "$HOME") $SWM_PORTS $SWM_BIND" >made',
      `httpd -p "$SWM_BIND:${port}"`,
      'until [ -e go ]; do sleep 0.05; done',
    );
    await file(join(from, 'a.job'), script);
    const { stdout } = await swm(['submit', '--spool', node.spool, 'a.job'], { cwd: from });
    const id = stdout.trim();
    await node.until(id, (row) => row.phase === 'running' && row.address !== '');
    const { address } = await node.job(id);
    let text = '';
    await until(async () => {
      const page = await fetch(`http://${address}:${port}/page`).catch(() => undefined);
      text = (await page?.text()) ?? '';
      return text !== '';
    });
    expect(text).toBe('of the submitter\n');
    expect((await node.run('show', id)).stdout).toMatch(new RegExp(`image +${IMAGE}`));
    await file(join(workOf(node, id), 'go'), '');
    expect(await node.until(id, isEnded)).toMatchObject({ state: 'F', exitcode: 0 });
    const to = join(home, 'to');
    expect((await node.run('get', id, '--to', to)).code).toBe(0);
    expect(await readFile(join(to, 'made'), 'utf8')).toBe(`boxed hello 1 ${port}/tcp/in 0.0.0.0\n`);
    expect(await containersOf(engine, id)).toBe(0);
  });

  it('says so if it has the network of its node', async () => {
    const { node } = place();
    const shown = async (...lines: readonly string[]): Promise<string> => {
      const id = await node.submit(scriptOf('#SWM hold', ...lines));
      return (await swm(['show', id, '--spool', node.spool])).stdout;
    };
    expect(await shown('#SWM ports 80/in')).not.toContain('network');
    expect(await shown('#SWM ports 80/out')).toMatch(
      /network +that of its node: it has `out` ports/,
    );
  });

  it('that is cancelled leaves no container and no process', async () => {
    const { engine, node } = place();
    const id = await node.submit(lasting);
    await begins(node, id);
    expect(await containersOf(engine, id)).toBe(1);
    await node.run('cancel', id);
    expect(await node.until(id, isEnded)).toMatchObject({ state: 'C' });
    expect([await containersOf(engine, id), processesOf(id)]).toEqual([0, []]);
  });

  it('is told to want memory when it takes too much', async () => {
    const { node } = place();
    const id = await node.submit(scriptOf('#SWM memory 32MiB', 'exec tail -c 200000000 /dev/zero'));
    const ended = await node.until(id, isEnded);
    expect(ended).toMatchObject({ state: 'E', details: expect.stringContaining('out of memory') });
  });

  it('has its image pulled, says how far it is, and is told if there is none', async () => {
    const { home, node } = place();
    const registry = await startRegistry([await readFile(await busyboxTar(home))]);
    cleanup(() => registry.end());
    const half = Promise.withResolvers<void>();
    registry.half = half.promise;
    const id = await node.submit(lasting.replace(IMAGE, registry.image));
    const pulls = new RegExp(`^Pulling image ${registry.image}: \\d+ %$`);
    const seen = await node.until(id, ({ details }) => pulls.test(details));
    expect(seen).toMatchObject({ phase: 'staging' });
    half.resolve();
    await begins(node, id);
    await writeFile(join(workOf(node, id), 'go'), '');
    expect(await node.until(id, isEnded)).toMatchObject({ state: 'F', exitcode: 3 });
    const unknown = registry.image.replace(/:1$/, ':2');
    const none = await node.until(await node.submit(lasting.replace(IMAGE, unknown)), isEnded);
    expect(none).toMatchObject({ state: 'E', attempt: 1 });
    expect(none.details).toMatch(/cannot be pulled: .*manifest unknown/);
  });

  it('whose worker is killed runs on, and is taken up again', async () => {
    const { home, engine, args } = place();
    const first = await dev(join(home, 'killed'), args);
    const ids = [await first.submit(lasting), await first.submit(lasting)];
    for (const id of ids) await begins(first, id);
    await first.kill('SIGKILL');
    // One ends while nobody is there to see it.
    await writeFile(join(workOf(first, ids[0]!), 'go'), '');
    await until(() => processesOf(ids[0]!).length === 0);
    const second = await dev(join(home, 'killed'), args);
    await writeFile(join(workOf(first, ids[1]!), 'go'), '');
    for (const id of ids) {
      const ended = await second.until(id, isEnded);
      expect(ended).toMatchObject({ state: 'F', exitcode: 3, attempt: 1, run: 1 });
      expect(await logOf(second, id)).toMatch(/^begin \d+\n$/);
      expect(await containersOf(engine, id)).toBe(0);
    }
  });
});
