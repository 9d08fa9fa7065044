import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dev, file, folder, swm } from './lab.ts';

const start = (spool: string, ...args: string[]) => swm(['dev', '--spool', spool, ...args]);

describe('a node does not start', { timeout: 60_000 }, () => {
  it('on a spool that another has, and says who', async () => {
    const spool = join(await folder(), 'spool');
    const node = await dev(spool);
    const done = await start(spool);
    expect(done).toMatchObject({ code: 2, stdout: '' });
    expect(done.stderr).toContain(`The spool ${spool} is in use by process ${node.pid} since `);
    expect((await node.run('status', '--json')).code).toBe(0);
    expect(await node.kill('SIGTERM')).toBe(0);
  });

  it('on a spool of a newer swm, which it leaves as it is', async () => {
    const spool = join(await folder(), 'spool');
    expect(await (await dev(spool)).kill('SIGTERM')).toBe(0);
    await file(join(spool, 'version'), '99\n');
    const before = await readdir(spool);
    const done = await start(spool);
    expect(done).toMatchObject({ code: 2, stdout: '' });
    expect(done.stderr).toContain('has version 99, and this swm knows versions up to 1');
    expect(await readdir(spool)).toEqual(before);
    await file(join(spool, 'version'), 'garbage');
    expect((await start(spool)).stderr).toContain('says "garbage", which is no version of a spool');
  });

  it('on a folder of something else', async () => {
    const home = await folder();
    await mkdir(join(home, 'photos'));
    await file(join(home, 'photos', 'cat.jpg'), 'meow');
    const done = await start(join(home, 'photos'));
    expect(done).toMatchObject({ code: 2, stdout: '' });
    expect(done.stderr).toContain('but other things, such as cat.jpg: it is no spool of swm');
    expect(await readdir(join(home, 'photos'))).toEqual(['cat.jpg']);
    const plain = await start(await file(join(home, 'plain'), 'text'));
    expect(plain).toMatchObject({ code: 2, stdout: '' });
    expect(plain.stderr).toContain(`${join(home, 'plain')}`);
    expect(plain.stderr).not.toContain('    at ');
    expect(await readFile(join(home, 'plain'), 'utf8')).toBe('text');
  });

  it('with a config that does not fit, and says where', async () => {
    const home = await folder();
    const config = await file(join(home, 'c.yaml'), 'mesh:\n  prot: 1\n');
    const done = await start(join(home, 'spool'), '--config', config);
    expect(done).toMatchObject({ code: 2, stdout: '' });
    expect(done.stderr).toBe(`swm: ${config}:2:3: mesh.prot: is unknown; did you mean port?\n`);
    const site = 'remotes:\n  - name: here\n    kind: local\n    bootDelayMs: soon\n';
    await file(config, site);
    const other = await start(join(home, 'spool'), '--config', config);
    expect(other).toMatchObject({ code: 2, stdout: '' });
    expect(other.stderr).toContain(`${config}:4:5: remotes.here.bootDelayMs: `);
  });

  it('with a store that was cut short, and says what to restore', async () => {
    const spool = join(await folder(), 'spool');
    const first = await dev(spool);
    await first.submit('#!/bin/sh\n');
    expect(await first.kill('SIGTERM')).toBe(0);
    const store = join(spool, 'control', (await readdir(join(spool, 'control')))[0]!);
    await file(store, (await readFile(store)).subarray(0, 6000));
    const done = await start(spool);
    expect(done).toMatchObject({ code: 2, stdout: '' });
    expect(done.stderr).toContain(join(spool, 'control'));
    expect(done.stderr).toMatch(/backup|[Rr]estore/);
    expect(done.stderr).not.toContain('    at ');
  });
});
