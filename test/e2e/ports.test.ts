import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { freePort } from '../platform/free-port.ts';
import { dialled, sha } from '../platform/sockets.ts';
import { heads, jobOf, logOf, place, submit, untilJob } from './heads.ts';
import { cleanup, dev, file, folder, forAll, until } from './lab.ts';
import { isEnded, logOf as logAt } from './waiter.ts';

const MIB = 2 ** 20;

/** Sends its stdin to HOST PORT and prints the answer, as netcat would. */
const CAT = `use strict; use Socket; my ($host, $port) = @ARGV;
socket my $s, PF_INET, SOCK_STREAM, 0;
connect $s, sockaddr_in($port, inet_aton($host)) or die "connect: $!";
if (fork == 0) { while (sysread STDIN, my $b, 65536) { put($s, $b) } shutdown $s, 1; exit }
while (sysread $s, my $b, 65536) { put(*STDOUT, $b) }
sub put { my ($to, $b) = @_; while (length $b) { substr($b, 0, syswrite($to, $b) // die) = '' } }
`;

/** Gives back what comes to a port at SWM_BIND. */
const ECHO = `use strict; use Socket; my ($port) = @ARGV;
socket my $s, PF_INET, SOCK_STREAM, 0; setsockopt $s, SOL_SOCKET, SO_REUSEADDR, 1;
bind $s, sockaddr_in($port, inet_aton($ENV{SWM_BIND})) or die; listen $s, 9;
while (accept my $c, $s) {
  print "one\\n"; $| = 1;
  while (sysread $c, my $b, 65536) { substr($b, 0, syswrite($c, $b) // die) = '' while length $b }
  close $c }
`;

type Listening = { readonly port: number; readonly came: Socket[] };

/** A service of whoever submits. */
async function service(then: (socket: Socket) => void): Promise<Listening> {
  const came: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    came.push(socket);
    socket.on('error', () => {});
    then(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup(async () => {
    for (const socket of came) socket.destroy();
    await new Promise((done) => server.close(done));
  });
  return { port: (server.address() as AddressInfo).port, came };
}

describe('a job reaches its submitter', { timeout: 60_000 }, () => {
  const began = forAll(async () => {
    const home = await folder();
    return { home, node: await dev(join(home, 'spool')) };
  });

  it.each([
    ['on this node', []],
    ['on a cluster', ['#SWM relocatable']],
  ])('from %s', async (_, wishes) => {
    const { home, node } = began();
    const cat = await file(join(home, 'cat.pl'), CAT);
    const { port, came } = await service((socket) => void socket.pipe(socket));
    const lines = [`#SWM ports ${port}/tcp/out`, ...wishes];
    const asks = `echo hello | perl ${cat} $SWM_OUT ${port}`;
    const id = await node.submit(['#!/bin/sh', ...lines, asks, ''].join('\n'));
    expect(await node.until(id, isEnded)).toMatchObject({ state: 'F', exitcode: 0 });
    expect(await logAt(node, id)).toBe('hello\n');
    expect(came).toHaveLength(1);
  });

  it('and nobody else', async () => {
    const { node } = began();
    const script = '#SWM ports 81/out\n#SWM submission-address 192.0.2.1\n';
    await expect(node.submit(script)).rejects.toThrow(/192\.0\.2\.1 is none .*\[forbidden\]/s);
  });
});

describe('a connection of a job', { timeout: 60_000 }, () => {
  const group = forAll(() => heads({ heads: 1, workers: 1, isSwitched: true }));

  /** Cuts the only link of the worker, and lets it come back once that was noticed. */
  async function cut(): Promise<void> {
    const phase = async (): Promise<string | undefined> => {
      const { nodes } = await group().client().call('node.list', {});
      return nodes.find(({ name }) => name === 'w1')?.phase;
    };
    group().switchboard.cut('w1', 'h1', 'reset');
    await until(async () => (await phase()) === 'silent');
    group().switchboard.heal();
    await until(async () => (await phase()) === 'up');
  }

  it('to its submitter goes on when the mesh was cut', async () => {
    const home = place(group());
    const cat = await file(join(home, 'cat.pl'), CAT);
    const bytes = await file(join(home, 'bytes'), randomBytes(24 * MIB));
    let heard = 0;
    let cuts = 0;
    const { port, came } = await service(async (socket) => {
      for await (const chunk of socket) {
        heard += chunk.length;
        if (heard > (cuts + 1) * 10 * MIB) {
          cuts += 1;
          await cut();
        }
        if (!socket.write(chunk)) await once(socket, 'drain');
      }
      socket.end();
    });
    const asks = `perl ${cat} $SWM_OUT ${port} <${bytes} >back; cmp back ${bytes} && echo same`;
    const client = group().client();
    const id = await submit(client, `#!/bin/sh\n#SWM ports ${port}/out\n${asks}\n`);
    expect(await untilJob(client, id, isEnded, 50)).toMatchObject({ state: 'F', exitcode: 0 });
    expect(await logOf(client, id)).toBe('same\n');
    expect([cuts, came.length]).toEqual([2, 1]);
    // Nothing listens for it any more.
    const { nodes } = await client.call('node.list', {});
    const { address = '' } = nodes.find(({ name }) => name === 'w1') ?? {};
    await expect(once(connect(port, address), 'connect')).rejects.toThrow('ECONNREFUSED');
  });

  it('from outside goes on when the mesh was cut', async () => {
    const home = place(group());
    const echo = await file(join(home, 'echo.pl'), ECHO);
    const port = await freePort();
    const client = group().client();
    const id = await submit(client, `#!/bin/sh\n#SWM ports ${port}/in\nperl ${echo} ${port}\n`);
    await untilJob(client, id, ({ phase }) => phase === 'running');
    const { address } = await jobOf(client, id);
    const socket = dialled(address, port);
    const bytes = randomBytes(24 * MIB);
    const back = buffer(socket);
    for (let at = 0; at < bytes.length; at += 12 * MIB) {
      socket.write(bytes.subarray(at, at + 12 * MIB));
      await cut();
    }
    socket.end();
    expect(sha(await back)).toBe(sha(bytes));
    await client.call('job.cancel', { id });
    await untilJob(client, id, isEnded);
    expect(await logOf(client, id)).toBe('one\n');
  });
});
