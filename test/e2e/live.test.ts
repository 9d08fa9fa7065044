import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { freePort } from '../platform/free-port.ts';
import { dialled, sha } from '../platform/sockets.ts';
import { cleanup, dev, file, folder, forAll, until } from './lab.ts';
import { isEnded } from './waiter.ts';

const SWM = join(import.meta.dirname, '..', '..', 'bin', 'swm');

/** Gives back what comes to a port at SWM_BIND, and ends when the other side has. */
const ECHO = `use strict; use Socket; my ($port) = @ARGV; $SIG{CHLD} = 'IGNORE';
socket my $s, PF_INET, SOCK_STREAM, 0; setsockopt $s, SOL_SOCKET, SO_REUSEADDR, 1;
bind $s, sockaddr_in($port, inet_aton($ENV{SWM_BIND})) or die; listen $s, 9;
while (accept my $c, $s) {
  next if fork;
  while (sysread $c, my $b, 65536) { substr($b, 0, syswrite($c, $b) // die) = '' while length $b }
  exit;
}
`;

type Running = {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly ended: Promise<number>;
};

/** The command, while it runs. */
function begun(...args: readonly string[]): Running {
  const child = spawn(SWM, args);
  cleanup(async () => void child.kill('SIGKILL'));
  let text = '';
  child.stdout.on('data', (part) => (text += part));
  child.stderr.on('data', (part) => (text += part));
  const ended = new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? -1)));
  return { child, out: () => text, ended };
}

const lab = forAll(async () => {
  const home = await folder();
  return { home, node: await dev(join(home, 'spool')) };
});

describe('swm forward', { timeout: 60_000 }, () => {
  it('leads connections to a job, several at once, and ends with it', async () => {
    const { home, node } = lab();
    const echo = await file(join(home, 'echo.pl'), ECHO);
    const port = await freePort();
    const id = await node.submit(`#!/bin/sh\n#SWM ports ${port}/in\nperl ${echo} ${port}\n`);
    const { out, ended } = begun('forward', id, `0:${port}`, '--spool', node.spool);
    await until(() => /127\.0\.0\.1:\d+ leads to port/.test(out()));
    const local = Number(/:(\d+) leads/.exec(out())?.[1]);
    const all = [randomBytes(3_000_000), randomBytes(3_000_000), randomBytes(10)];
    const back = all.map((bytes) => {
      const socket = dialled('127.0.0.1', local);
      socket.end(bytes);
      return buffer(socket);
    });
    expect((await Promise.all(back)).map(sha)).toEqual(all.map(sha));
    await node.client.call('job.cancel', { id });
    expect(await ended).toBe(0);
    expect(out()).toContain('runs no more');
    await node.until(id, isEnded);
  });

  it('tells which port was not asked for', async () => {
    const { node } = lab();
    const id = await node.submit('#!/bin/sh\nexit 0\n');
    const { code, stderr } = await node.run('forward', id, '81');
    expect([code, stderr]).toEqual([5, expect.stringContaining('has not asked for port 81')]);
  });
});
