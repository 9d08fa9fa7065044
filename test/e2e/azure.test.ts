import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openFake } from '../azure/fake-azure.ts';
import { calm } from '../azure/manners.ts';
import { directoryOf, freePort, realMachines } from '../azure/real-machines.ts';
import { cleanup, dev, folder } from './lab.ts';
import { processesOf } from './machine.ts';

const home = join(import.meta.dirname, '..', '..');

/** Machines of their own need root, as all of CI has. */
const asRoot = describe.runIf(process.getuid?.() === 0);

asRoot('clusters at Azure', { timeout: 180_000 }, () => {
  it('are made by a head that dies, at a site that fails, and nothing is left', async () => {
    const args = [join(home, 'bin/with-node'), join(home, 'test/azure/demo.ts'), '--seed', '7'];
    const demo = spawn('sh', args);
    cleanup(async () => void demo.kill('SIGINT'));
    let out = '';
    let err = '';
    demo.stdout.on('data', (text) => (out += text));
    demo.stderr.on('data', (text) => (err += text));
    const code = await new Promise((resolve) => demo.on('close', resolve));
    expect(code, `${out}\n${err}`).toBe(0);
    const steps = [
      'is created, and its machines boot',
      'has joined',
      'was killed while the job runs, and is started again',
      'answers through the tunnel',
      'is gone',
      'the file, the page, and a count made here say the same',
      'it ran in containers of swm-demo/tools:1',
      'and has 0 of them left',
    ];
    const at = steps.map((step) => out.indexOf(step));
    expect(at).not.toContain(-1);
    expect(at).toEqual(at.toSorted((a, b) => a - b));
    expect(out).toContain('Uploading the worker');
    const [took, left] = out.trimEnd().split('\n').slice(-2);
    expect(took).toMatch(/^took \d+ s$/);
    expect(left).toBe('left behind: 0');
  });

  it('may dial out: what cloud-init does makes them workers', async () => {
    const root = await folder();
    // Images have a swm of their own in this case.
    const program = `#!/bin/sh\nexec ${home}/bin/swm "$@"\n`;
    const machines = realMachines({ root, port: await freePort(), program });
    const fake = await openFake({ ...calm(), bootMs: 50 }, machines);
    cleanup(() => fake.close());
    const worker = { directory: directoryOf(root) };
    const network = '127.96.0.0/12';
    const remote = fake.settings({ flavor: 'small', flavors: ['small'], network, worker });
    const config = join(root, 'swm.yaml');
    writeFileSync(config, JSON.stringify({ remotes: [remote] }));
    const head = await dev(join(root, 'spool'), ['--config', config]);
    const script = ['#!/bin/sh', '#SWM flavor small', '#SWM nodes 2', 'echo "on $SWM_NODES"'];
    const id = await head.submit(script.join('\n'));
    const ended = await head.until(id, ({ phase }) => phase === 'ended', 120);
    expect(ended).toMatchObject({ state: 'F', exitcode: 0, attempt: 1 });
    expect(fake.site.left()).toEqual([]);
    expect(fake.site.made.filter((each) => each.startsWith('machine'))).toHaveLength(2);
    expect(machines.left()).toEqual([]);
    expect(processesOf(id)).toEqual([]);
  });

  it('have the storages that their jobs ask for, where the jobs may read them', async () => {
    const root = await folder();
    const program = `#!/bin/sh\nexec ${home}/bin/swm "$@"\n`;
    // In the place of the real one, which wants Azure: a disk with what it was told.
    const blobfuse2 =
      '#!/bin/sh\nmount -t tmpfs -o mode=755 tmpfs "$2"\n' +
      `grep account-name "\${3#--config-file=}" >"$2/account"\n`;
    const rack = { root, port: await freePort(), program, commands: { blobfuse2 } };
    const machines = realMachines(rack);
    const fake = await openFake(calm(), machines);
    cleanup(() => fake.close());
    const sasFile = join(root, 'sas');
    writeFileSync(sasFile, 'sv=1&sig=abc', { mode: 0o600 });
    const remote = fake.settings({
      ...{ flavor: 'small', flavors: ['small'], network: '127.96.0.0/12' },
      worker: { directory: directoryOf(root) },
      storages: { 'in-1': { account: 'accountin', container: 'raw', sasFile } },
    });
    const config = join(root, 'swm.yaml');
    writeFileSync(config, JSON.stringify({ remotes: [remote] }));
    const head = await dev(join(root, 'spool'), ['--config', config]);
    const lines = ['#!/bin/sh', '#SWM storage in-1', 'echo "$SWM_STORAGES"'];
    const id = await head.submit([...lines, 'cat "$SWM_STORAGE_IN_1/account"'].join('\n'));
    const ended = await head.until(id, ({ phase }) => phase === 'ended', 120);
    expect(ended).toMatchObject({ state: 'F', exitcode: 0 });
    const log = (await head.run('logs', id)).stdout;
    expect(log).toContain('in-1=/mnt/swm/in-1\n');
    expect(log).toContain('"accountin"');
    const refused = await head.submit('#!/bin/sh\n#SWM storage other').catch((error) => error);
    expect(String(refused)).toContain('azure has no storage other');
    expect(machines.left()).toEqual([]);
  });
});
