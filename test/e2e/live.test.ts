import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { freePort } from '../platform/free-port.ts';
import { dialled, sha } from '../platform/sockets.ts';
import { dev, file, folder, forAll, swm, until } from './lab.ts';
import { processesOf } from './machine.ts';
import { begun, typist } from './typist.ts';
import { isEnded, pidOf, waiter } from './waiter.ts';

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

describe('swm exec', { timeout: 60_000 }, () => {
  it('runs a command as part of the job, and ends with its exit code', async () => {
    const { home, node } = lab();
    const wait = await waiter(home);
    const id = await node.submit(wait.script, '-e', 'COLOUR=blue');
    const pid = await pidOf(node, id);
    const words = [
      'sh',
      '-c',
      'id -u; pwd; echo $COLOUR $SWM_JOB_ID "$1"; cat; echo e >&2; exit 7',
    ];
    const inside = await swm(['exec', id, '--spool', node.spool, '--', ...words, 'x', 'a  b'], {
      input: 'typed',
    });
    expect(inside.code).toBe(7);
    expect(inside.stderr).toBe('e\n');
    const [account, directory, ...rest] = inside.stdout.split('\n');
    expect(rest).toEqual([`blue ${id} a  b`, 'typed']);
    expect(directory).toContain(id);
    expect(Number(account)).toBe(statSync(`/proc/${pid}`).uid);
    const look = ['--', 'cat', '/proc/self/cgroup'];
    const limited = await swm(['exec', id, '--spool', node.spool, ...look]);
    expect(limited.stdout).toBe(readFileSync(`/proc/${pid}/cgroup`, 'utf8'));
    await wait.go();
    await node.until(id, isEnded);
    const late = await swm(['exec', id, '--spool', node.spool, '--', 'true']);
    expect([late.code, late.stderr]).toEqual([125, expect.stringContaining('only one that runs')]);
  });

  it('carries many bytes both ways', async () => {
    const { home, node } = lab();
    const wait = await waiter(home);
    const id = await node.submit(wait.script);
    await pidOf(node, id);
    const bytes = randomBytes(5_000_000);
    const execution = await node.client.exec(id, ['cat']);
    const parts: Uint8Array[] = [];
    const printed = execution.read();
    const heard = (async () => {
      for (let next = await printed.next(); ; next = await printed.next()) {
        if (next.done === true) return next.value;
        parts.push(next.value.bytes);
      }
    })();
    await execution.write(bytes);
    await execution.end();
    expect(await heard).toBe(0);
    expect(sha(Buffer.concat(parts))).toBe(sha(bytes));
    await node.client.call('job.cancel', { id });
    await node.until(id, isEnded);
  });

  it('leaves nothing of a command that its terminal or its job has left', async () => {
    const { home, node } = lab();
    const wait = await waiter(home);
    const id = await node.submit(wait.script);
    await pidOf(node, id);
    const before = processesOf(id).length;
    const hide = [
      'sh',
      '-c',
      'setsid sleep 1000 & trap "" TERM HUP; echo on; while :; do sleep 1; done',
    ];
    const { child, out, ended } = begun('exec', id, '--spool', node.spool, '--', ...hide);
    await until(() => out().includes('on'));
    expect(processesOf(id).length).toBeGreaterThan(before + 1);
    child.kill('SIGKILL');
    await ended;
    await until(() => processesOf(id).length === before);
    const second = begun('exec', id, '--spool', node.spool, '--', ...hide);
    await until(() => second.out().includes('on'));
    await node.client.call('job.cancel', { id });
    expect([125, 137, 143]).toContain(await second.ended);
    await node.until(id, isEnded);
    await until(() => processesOf(id).length === 0);
  });
});

describe('a terminal inside a job', { timeout: 60_000 }, () => {
  it('is a login shell that hears keys, and knows its window', async () => {
    const { home, node } = lab();
    const wait = await waiter(home);
    const id = await node.submit(wait.script);
    await pidOf(node, id);
    const { out, type, ended } = typist('attach', id, '--spool', node.spool);
    type('echo $0 $SWM_RANK; stty size; tty; sleep 1000\r');
    await until(() => /^\/dev\/pts\/\d+\r$/m.test(out()));
    expect(out()).toMatch(/^-(ba)?sh 0\r$/m);
    expect(out()).toMatch(/^33 123\r$/m);
    type('\x03');
    type('echo in$((40 + 2))ner; exit 9\r');
    expect(await ended).toBe(9);
    expect(out()).toContain('in42ner');
    await node.client.call('job.cancel', { id });
    await node.until(id, isEnded);
  });

  it('ends with its job', async () => {
    const { home, node } = lab();
    const wait = await waiter(home);
    const id = await node.submit(wait.script);
    await pidOf(node, id);
    const words = ['--', 'sh', '-c', 'echo here; exec sleep 1000'];
    const { out, ended } = typist('exec', '-t', id, '--spool', node.spool, ...words);
    await until(() => out().includes('here'));
    await wait.go();
    expect([125, 137, 143]).toContain(await ended);
    await until(() => processesOf(id).length === 0);
  });
});

describe('what a job is at', { timeout: 60_000 }, () => {
  it('is said by why, and its changes by events, to its end', async () => {
    const { home, node } = lab();
    const wait = await waiter(home);
    const id = await node.submit(wait.script);
    await pidOf(node, id);
    expect((await node.run('why', id)).stdout).toMatch(/ runs on .*\nrunning since /);
    const { out, ended } = begun('events', id, '--since', '0', '--spool', node.spool);
    await until(() => out().includes('running'));
    await wait.go();
    expect(await ended).toBe(0);
    const told = out().split('\n').slice(0, -1);
    expect(told[0]).toMatch(/ {2}queued$/);
    expect(told.at(-1)).toMatch(/ {2}ended$/);
    expect((await node.run('why', id)).stdout).toContain('has ended with exit 3');
  });
});
