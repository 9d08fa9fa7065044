import { type ChildProcess, spawn } from 'node:child_process';
import { type AddressInfo, createServer, type ListenOptions, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { conflictAt } from '../../src/platform/port-conflict.ts';

const open: Server[] = [];
const children: ChildProcess[] = [];
const own = expect.stringContaining(`(pid ${process.pid})`);
const nobody = 'a process that cannot be told';

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await Promise.all(
    open.splice(0).map((server) => new Promise((resolve) => server.close(resolve))),
  );
});

/** Listens, and gives the port; any free one unless it is given. */
async function listen(host: string, more: ListenOptions = {}): Promise<number> {
  const server = createServer();
  open.push(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port: 0, ...more }, resolve);
  });
  return (server.address() as AddressInfo).port;
}

describe('whoever holds a port', () => {
  it.each([
    { held: '127.0.0.1', wanted: '127.0.0.1', everywhere: false },
    { held: '127.0.0.1', wanted: '0.0.0.0', everywhere: false },
    { held: '127.0.0.1', wanted: '::', everywhere: false },
    { held: '127.0.0.1', wanted: 'localhost', everywhere: false },
    { held: '0.0.0.0', wanted: '127.77.3.4', everywhere: true },
    { held: '0.0.0.0', wanted: '0.0.0.0', everywhere: true },
    { held: '::', wanted: '127.77.3.4', everywhere: true },
    { held: '::', wanted: '::1', everywhere: true },
    { held: '::1', wanted: '::1', everywhere: false },
    { held: '::1', wanted: '::', everywhere: false },
    { held: '::ffff:127.0.0.1', wanted: '127.0.0.1', everywhere: false },
  ])('$held keeps $wanted from being bound', async ({ held, wanted, everywhere }) => {
    const port = await listen(held);
    await expect(listen(wanted, { port, exclusive: true })).rejects.toThrow('EADDRINUSE');
    expect(await conflictAt(wanted, port)).toEqual({ holder: own, everywhere });
  });

  it.each([
    { held: '127.0.0.1', wanted: '127.0.0.2' },
    { held: '127.0.0.1', wanted: '::1' },
    { held: '::1', wanted: '127.0.0.1' },
    { held: '::1', wanted: '0.0.0.0' },
  ])('$held does not keep $wanted from being bound', async ({ held, wanted }) => {
    const port = await listen(held);
    await listen(wanted, { port, exclusive: true });
    await new Promise((resolve) => open.pop()?.close(resolve));
    expect(await conflictAt(wanted, port)).toEqual({ holder: nobody, everywhere: false });
  });

  it('is named if it is another process', async () => {
    const script = `require('node:net').createServer().listen(0, '127.0.0.1', function () {
      console.log(this.address().port);
    })`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    children.push(child);
    const port = await new Promise<number>((resolve) => {
      child.stdout.once('data', (line) => resolve(Number(line)));
    });
    const { holder } = await conflictAt('127.0.0.1', port);
    expect(holder).toBe(`node (pid ${child.pid})`);
  });
});
