import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Exit, Processes, ProcessOrder } from '../../src/actors/ports.ts';
import { Failed, Malformed } from '../../src/protocol/errors.ts';
import { codeOf, open, someKey } from '../ports/processes.suite.ts';
import { isAlive, isRoot, NOBODY, RealPlace, readText, until } from './process-place.ts';

let place: RealPlace;
let processes: Processes & { close(): void };

beforeEach(async () => {
  place = new RealPlace({ logBytesMax: 50_000 });
  processes = await place.open();
});
afterEach(() => place.clear());

type Ran = { readonly exit: Exit; readonly out: string; readonly err: string };

async function run(order: ProcessOrder): Promise<Ran> {
  await processes.ensure(order);
  const exit = await processes.exited(order.key, open);
  return { exit, out: readText(order.stdout), err: readText(order.stderr) };
}

const script = (text: string, mode?: number): ProcessOrder => place.script(someKey(), text, mode);

/** The text of the `Failed` that it ends with. */
const whyOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => '',
    (error) => (error instanceof Failed ? error.failure.text : String(error)),
  );

describe('what a job finds', () => {
  it('has exactly the environment that was ordered, its marks above all', async () => {
    const order = script('#!/usr/bin/perl\nopen E, "</proc/self/environ"; print <E>;\n');
    const { key } = order;
    const env = { PATH: '/bin', EMPTY: '', LINES: 'a\nb=c', UTF: 'ä€', SWM_JOB_ID: 'not this' };
    const { out } = await run({ ...order, env });
    const found = out.split('\0').slice(0, -1).toSorted();
    const marks = { SWM_JOB_ID: key.job, SWM_ATTEMPT: '1', SWM_RANK: '0', ...place.mark };
    const wanted = Object.entries({ ...env, ...marks }).map(([name, value]) => `${name}=${value}`);
    expect(found).toEqual(wanted.toSorted());
  });

  it('leads a session of its own, with plain signals and nothing else open', async () => {
    const { out, exit } = await run(
      script(
        '#!/bin/sh\npwd; umask; cut -d" " -f1,6 /proc/$$/stat; ls /proc/$$/fd\n' +
          'grep -E "^Sig(Blk|Ign)" /proc/self/status\n',
      ),
    );
    const [cwd, umask, ids = '', ...rest] = out.trim().split('\n');
    const [pid, session] = ids.split(' ');
    expect([cwd, umask, session, exit.code]).toEqual([place.work, '0022', pid, 0]);
    const none = '\t0000000000000000';
    // 10 is dash's own: the script that it reads.
    expect(rest.filter((line) => line !== '10')).toEqual(
      ['0', '1', '2'].concat(`SigBlk:${none}`, `SigIgn:${none}`),
    );
  });

  it('reads the file that was ordered, or nothing', async () => {
    const stdin = join(place.work, 'input');
    writeFileSync(stdin, 'from the file');
    const text = '#!/bin/sh\ncat\n';
    expect((await run({ ...script(text), stdin })).out).toBe('from the file');
    expect((await run(script(text))).out).toBe('');
  });

  it('runs as the account of jobs, with no rights beyond it, and never as root', async () => {
    const { out } = await run(
      script(
        '#!/bin/sh\nid -u; id -G; grep -E "^(Cap(Prm|Eff|Amb)|NoNewPrivs)" /proc/self/status\n',
      ),
    );
    const [uid, groups, ...rest] = out.trim().split('\n');
    if (!isRoot) expect(uid).toBe(`${process.getuid?.()}`);
    else {
      const none = '\t0000000000000000';
      expect([uid, groups]).toEqual([`${NOBODY}`, `${NOBODY}`]);
      expect(rest).toEqual([
        `CapPrm:${none}`,
        `CapEff:${none}`,
        `CapAmb:${none}`,
        'NoNewPrivs:\t1',
      ]);
    }
  });

  it('owns the logs that swm made for it where it may not write', async () => {
    const spool = join(place.root, 'spool');
    mkdirSync(spool, { mode: 0o700 });
    const other = new RealPlace({ spool });
    const order = other.script(someKey(), '#!/bin/sh\necho out; echo err >/dev/stderr\n');
    const logs = { stdout: join(spool, 'o'), stderr: join(spool, 'e') };
    chmodSync(spool, 0o711);
    processes.close();
    processes = await other.open();
    const { out, err } = await run({ ...order, ...logs });
    expect([out, err]).toEqual(['out\n', 'err\n']);
    expect(statSync(logs.stdout).mode & 0o777).toBe(0o600);
    expect(statSync(logs.stdout).uid).toBe(isRoot ? NOBODY : process.getuid?.());
    await other.clear();
  });

  it('appends to its logs', async () => {
    const order = script('#!/bin/sh\necho more\n');
    writeFileSync(order.stdout, 'before\n', { mode: 0o666 });
    chmodSync(order.stdout, 0o666);
    expect((await run(order)).out).toBe('before\nmore\n');
  });
});

describe('how a script is run', () => {
  it.each([
    [
      'by its first line',
      '#!/bin/bash -e\necho $BASH_VERSION | cut -c1; false; echo not',
      0o755,
      1,
    ],
    ['by it without the x bit', '#!/bin/bash -e\necho $BASH_VERSION | cut -c1; exit 1', 0o644, 1],
    ['by the shell without such a line', 'echo 5; exit 1', 0o755, 1],
    ['by the shell without line and x bit', 'echo 5; exit 1', 0o644, 1],
  ])('%s', async (_, text, mode, code) => {
    const { out, exit, err } = await run(script(text, mode));
    expect([out, err, exit.code]).toEqual(['5\n', '', code]);
  });

  it('takes a program that is no script', async () => {
    expect((await run({ ...script(''), script: '/bin/false' })).exit.code).toBe(1);
  });

  it.each([0o755, 0o644])('says which interpreter is missing, mode %o', async (mode) => {
    const order = script('#!/no/such/shell -x\n', mode);
    const { exit, err } = await run(order);
    expect([exit.code, exit.signal]).toEqual([127, 0]);
    expect(err).toBe(
      `swm: ${order.script}: the interpreter /no/such/shell of its first line: not found\n`,
    );
  });

  it('says that the script is missing', async () => {
    const { exit, err } = await run({ ...script(''), script: '/no/such/script' });
    expect([exit.code, err]).toEqual([127, 'swm: /no/such/script: not found\n']);
  });
});

describe('what does not start', () => {
  it('has a path or a variable that could be taken for something else', async () => {
    const order = script('');
    const faults: Partial<ProcessOrder>[] = [
      { directory: 'work' },
      { script: '/a/../b' },
      { stdout: '/a\0b' },
      { stdin: '-' },
      { env: { 'A=B': '' } },
      { env: { A: 'b\0c' } },
      { env: { '': 'x' } },
    ];
    for (const fault of faults)
      await expect(processes.ensure({ ...order, ...fault })).rejects.toBeInstanceOf(Malformed);
    expect(place.record(order.key)).toBe('');
  });

  it('has an input or a log that its account may not open, and is not tried again', async () => {
    const stdin = { ...script('exit 0'), stdin: join(place.work, 'nothing') };
    expect(await codeOf(processes.ensure(stdin))).toBe('start_failed');
    expect(await whyOf(processes.ensure(stdin))).toMatch(/cannot read .*\/nothing \(not found\)$/);
    expect(await codeOf(processes.exited(stdin.key, open))).toBe('start_failed');
    const log = { ...script('exit 0'), stdout: join(place.work, 'no', 'out') };
    expect(await whyOf(processes.ensure(log))).toMatch(/cannot write .*\/no\/out .*not found/);
    processes.close();
    processes = await place.open();
    expect(await codeOf(processes.ensure(log))).toBe('start_failed');
    expect((await run(script('exit 3'))).exit.code).toBe(3);
  });

  it('follows no link that lies where its log should', async () => {
    const order = script('#!/bin/sh\necho x\n');
    const victim = join(place.root, 'victim');
    writeFileSync(victim, '');
    await run({ ...script(`#!/bin/sh\nln -s ${victim} ${order.stdout}\n`) });
    expect(await whyOf(processes.ensure(order))).toMatch(/symbolic link/);
    expect(readFileSync(victim, 'utf8')).toBe('');
  });

  if (isRoot) {
    it.each(['root', 'no-such-account', '-u', ''])('has no account %j', async (jobsUser) => {
      const other = new RealPlace({ jobsUser });
      const lives = await other.open();
      const order = other.script(someKey(), 'exit 0');
      expect(await codeOf(lives.ensure(order))).toBe('no_user');
      const asNobody = { ...order, user: 'nobody' };
      expect((await lives.ensure(asNobody)).pid).toBeGreaterThan(0);
      await lives.exited(order.key, open);
      await other.clear();
    });

    it('names the directory that its account cannot enter', async () => {
      const order = script('exit 0');
      const closed = join(place.work, 'a', 'closed');
      mkdirSync(join(closed, 'b'), { recursive: true });
      chmodSync(closed, 0o700);
      const why = await whyOf(processes.ensure({ ...order, directory: join(closed, 'b') }));
      expect(why).toBe(`the account of jobs cannot enter ${closed} (permission denied)`);
    });
  }
});

describe('when the main process ends', () => {
  it('lets what is left finish for a moment', async () => {
    const { out, exit } = await run(script('#!/bin/sh\n(sleep 0.02; echo last) &\nexit 6\n'));
    expect([out, exit.code]).toEqual(['last\n', 6]);
  });

  it('kills what hides: other session, other parent, no environment, deaf', async () => {
    const pids = join(place.work, 'pids');
    const hidden = `trap "" TERM HUP; echo $$ >>${pids}; sleep 60 & echo $! >>${pids}; wait`;
    const order = script(
      `#!/bin/sh\n(setsid env -i PATH=/bin:/usr/bin sh -c '${hidden}' >/dev/null 2>&1 &)\n` +
        `while [ "$(cat ${pids} 2>/dev/null | wc -l)" != 2 ]; do sleep 0.01; done\nexit 2\n`,
    );
    const { exit } = await run(order);
    expect(exit).toMatchObject({ code: 2, signal: 0, lost: false });
    const left = readText(pids).trim().split('\n').map(Number);
    expect(left).toHaveLength(2);
    expect(left.filter(isAlive)).toEqual([]);
  });

  it('still gives the rest its grace when it is stopped', async () => {
    const saved = join(place.work, 'saved');
    const save = `trap "sleep 0.4; echo yes >${saved}; exit" TERM`;
    const child = `${save}; echo up >${saved}.up; sleep 60 & wait`;
    const order = script(`#!/bin/sh\nsh -c '${child}'\necho not reached\n`);
    await processes.ensure(order);
    await until('the child is up', () => existsSync(`${saved}.up`));
    await processes.stop(order.key, 10_000);
    expect(await processes.exited(order.key, open)).toMatchObject({ code: 0, signal: 15 });
    expect(readText(saved)).toBe('yes\n');
  });
});

describe('a log that grows beyond its limit', () => {
  it('ends the job, and says so at its end', async () => {
    const order = script('#!/bin/sh\nexec yes\n');
    const { exit, out } = await run(order);
    expect(exit).toMatchObject({ signal: 9, logFull: true, lost: false });
    expect(out.slice(0, 50_000)).toBe('y\n'.repeat(25_000));
    expect(out.slice(50_000)).toBe(
      '\nswm: this log reached its limit of 50000 bytes; the rest is not kept\n',
    );
    processes.close();
    processes = await place.open();
    expect(await processes.exited(order.key, open)).toEqual(exit);
  });

  it('is cut also when the job was faster', async () => {
    const { exit, out } = await run(script('#!/bin/sh\nyes | head -c 60000\n'));
    expect([exit.code, exit.logFull]).toEqual([0, undefined]);
    expect(out.slice(50_000)).toMatch(/^\nswm: this log reached its limit/);
  });
});
