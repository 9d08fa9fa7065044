import { mkdir, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dev, file, folder, forAll, swm, until } from './lab.ts';
import { processesOf } from './machine.ts';
import { isEnded, logOf, pidOf, waiter } from './waiter.ts';

const place = forAll(async () => {
  const home = await folder();
  return { home, node: await dev(join(home, 'spool')) };
});

const scriptOf = (...lines: readonly string[]): string => `#!/bin/sh\n${lines.join('\n')}\n`;

/** Runs a script to its end, and gives the job and what it printed. */
async function ran(...lines: readonly string[]) {
  const { node } = place();
  const id = await node.submit(scriptOf(...lines));
  const ended = await node.until(id, isEnded);
  return { ...ended, log: await logOf(node, id) };
}

const places = [
  ['on this node', []],
  ['on a cluster', ['#SWM relocatable']],
] as const;

describe('a job', { timeout: 60_000 }, () => {
  it.each(places)('%s has the environment that is promised, and no more', async (_, wishes) => {
    const job = await ran(
      '#SWM name green',
      '#SWM comment a word',
      '#SWM account ann',
      '#SWM env "COLOR=dark blue"',
      '#SWM output-files none',
      ...wishes,
      'env -0 | sort -z | tr "\\0" "\\n"',
      'pwd; id -un; id -u; umask; ls -ld . | cut -c1-10; echo "$(ls -a | wc -l)"',
    );
    expect(job).toMatchObject({ state: 'F', exitcode: 0, name: 'green', comment: 'a word' });
    const lines = job.log.trim().split('\n');
    const [cwd = '', user, uid, mask, rights, files] = lines.splice(-6);
    const env = Object.fromEntries(lines.map((line) => line.split(/=(.*)/s)));
    expect(env).toMatchObject({
      SWM_JOB_ID: job.id,
      SWM_JOB_NAME: 'green',
      SWM_ACCOUNT: 'ann',
      SWM_COMMENT: 'a word',
      SWM_NODES: job.nodes[0],
      SWM_NODES_NUMBER: '1',
      SWM_INPUT_FILES: '',
      SWM_OUTPUT_FILES: 'none',
      SWM_PORTS: '',
      SWM_RELOCATABLE: wishes.length > 0 ? 'YES' : 'NO',
      COLOR: 'dark blue',
      HOME: cwd,
      USER: user,
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    });
    const known = /^(SWM_\w+|COLOR|HOME|USER|LOGNAME|SHELL|PATH|LANG|PWD|_)$/;
    expect(Object.keys(env).filter((name) => !known.test(name))).toEqual([]);
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) expect(user).toBe('nobody');
    expect(uid).not.toBe('0');
    expect([mask, rights, files]).toEqual(['0022', 'drwx------', '2']);
    expect(cwd).toContain(job.id);
  });

  it('never runs as root, whatever the config says', async () => {
    const home = await folder();
    const node = await dev(join(home, 'spool'), ['--set', 'jobs.user=root']);
    const ended = await node.until(await node.submit(scriptOf('id -u')), isEnded);
    if (process.geteuid?.() !== 0) return expect(ended.state).toBe('F');
    expect(ended).toMatchObject({ state: 'E', exitcode: 0 });
    expect(ended.details).toContain("'root' is root, and jobs never run as root");
  });

  it.each(places)(
    '%s finds its inputs and gives its outputs, whatever their names',
    async (_, wishes) => {
      const { home, node } = place();
      const from = join(home, `in-${wishes.length}`);
      await mkdir(join(from, 'deep', 'er dir'), { recursive: true });
      const names = [
        '-dash',
        'q"uo\'te',
        'na\u00efve \u4f60\u597d \u{1f600}',
        'st*ar?',
        '$(id)',
        'deep/er dir/x',
        'deep/empty',
      ];
      for (const name of names)
        await file(join(from, name), name.endsWith('empty') ? '' : `<${name}>`);
      await file(join(from, 'tool'), '#!/bin/sh\necho tool ran\n', 0o755);
      const script = scriptOf(
        "#SWM input-files deep tool -dash 'na\u00efve \u4f60\u597d \u{1f600}' 'st*ar?' '$(id)'",
        '#SWM input-files "q\\"uo\'te"',
        '#SWM output-files out never/made',
        ...wishes,
        './tool; mkdir out; cp -r deep out/; ' +
          'for f in ./-dash ./na* ./st* ./q* "./\\$(id)"; do cp "$f" out/; done',
        'find . -type f -not -path "./out/*" | wc -l',
      );
      await file(join(from, 'a.job'), script);
      const sent = await swm(['submit', '--spool', node.spool, 'a.job'], { cwd: from });
      expect(sent.stderr).toBe('');
      const id = sent.stdout.trim();
      expect(await node.until(id, isEnded)).toMatchObject({ state: 'F', exitcode: 0 });
      expect(await logOf(node, id)).toBe(`tool ran\n${names.length + 1}\n`);
      const to = join(home, `out-${wishes.length}`);
      expect((await node.run('get', id, '--to', to)).code).toBe(0);
      for (const name of names)
        expect(await readFile(join(to, 'out', name), 'utf8')).toBe(
          await readFile(join(from, name), 'utf8'),
        );
      const { job } = await node.client.call('job.show', { id });
      expect(job.missing).toEqual(['never/made']);
      expect((await node.run('show', id)).stdout).toMatch(/missing outputs\n +never\/made/);
    },
  );

  it('may be a script of any kind and of 300 KiB', async () => {
    const filler = `# ${'x'.repeat(97)}\n`.repeat(3_000);
    const { node } = place();
    const asks = '#!/usr/bin/perl\n#SWM relocatable\n';
    const script = `${asks}${filler}print "perl $0 " . -s $0;\nexit 4;\n`;
    const id = await node.submit(script);
    expect(await node.until(id, isEnded)).toMatchObject({ state: 'F', exitcode: 4 });
    expect(await logOf(node, id)).toMatch(new RegExp(`^perl /.*/script ${script.length}$`));
    expect((await node.run('show', '--script', id)).stdout).toBe(script);
  });
});

describe('a job that does not end by itself', { timeout: 60_000 }, () => {
  it.each(places)('%s is ended when its time is over', async (_, wishes) => {
    const job = await ran(
      '#SWM time 2s',
      ...wishes,
      "trap 'echo asked; exit 9' TERM",
      'while :; do sleep 0.1; done',
    );
    expect(job).toMatchObject({ state: 'E', attempt: 1, log: 'asked\n' });
    expect(job.details).toBe('ran longer than its walltime of 2 s');
    expect(job.endedAt - job.startedAt).toBeGreaterThanOrEqual(1_900);
    expect(processesOf(job.id)).toEqual([]);
  });

  it('is told of what killed it', async () => {
    const job = await ran('kill -SEGV $$');
    expect(job).toMatchObject({ state: 'E', exitcode: 0, signal: 11 });
    expect(job.details).toContain('killed by signal 11');
  });

  it('has no more memory than it asked for, where that can be had', async () => {
    const { node } = place();
    const eat = `perl -e 'my $x = "x" x (200 << 20); print length $x'`;
    const [dies, lives] = await Promise.all(
      [[eat], [eat, 'echo; echo lives']].map((lines) => ran('#SWM memory 64MiB', ...lines)),
    );
    expect(lives).toMatchObject({ state: 'F', exitcode: 0 });
    const { job } = await node.client.call('job.show', { id: dies!.id });
    if (job.unenforced.some((each) => each.includes('memory'))) {
      expect([dies!.log, lives!.log]).toEqual(['209715200', '209715200\nlives\n']);
      return;
    }
    expect(dies).toMatchObject({ state: 'E', details: 'out of memory' });
    expect(lives!.log).toBe('\nlives\n');
    // And nobody after it is blamed for that.
    for (const next of await Promise.all([ran('exit 42'), ran('exit 42')]))
      expect(next).toMatchObject({ state: 'F', exitcode: 42 });
  });
});

describe('submit', { timeout: 60_000 }, () => {
  it('waits, and ends as the job did', async () => {
    const { node } = place();
    const ends = async (...lines: string[]) => {
      const args = ['submit', '--spool', node.spool, '--wait', '-'];
      const { code, stdout } = await swm(args, { input: scriptOf(...lines) });
      return [code, stdout.trim() === '' ? '' : (await node.job(stdout.trim())).state];
    };
    const told = await Promise.all([
      ends('exit 0'),
      ends('exit 42'),
      ends('kill -KILL $$'),
      ends('#SWM time 1s', 'sleep 60'),
      ends('#SWM bad-word'),
      ends('#SWM cpus 4000'),
    ]);
    expect(told).toEqual([
      [0, 'F'],
      [42, 'F'],
      [137, 'E'],
      [143, 'E'],
      [2, ''],
      [125, ''],
    ]);
    const none = await swm(['submit', '--url', 'https://127.0.0.1:1', '--spool', node.spool, '-'], {
      input: scriptOf('exit 0'),
    });
    expect(none.code).toBe(3);
    expect((await swm(['submit', '--spool', node.spool, '--wait', 'no.job'])).code).toBe(2);
  });

  it('makes one job of one key, and none of another request under it', async () => {
    const { node } = place();
    const args = ['submit', '--spool', node.spool, '--once', 'k1', '-'];
    const all = await Promise.all([0, 1, 2].map(() => swm(args, { input: scriptOf('exit 0') })));
    expect(new Set(all.map(({ stdout }) => stdout)).size).toBe(1);
    expect(all.map(({ code }) => code)).toEqual([0, 0, 0]);
    const id = all[0]!.stdout.trim();
    await node.until(id, isEnded);
    expect((await swm(args, { input: scriptOf('exit 0') })).stdout.trim()).toBe(id);
    expect(await node.job(id)).toMatchObject({ run: 1, attempt: 1 });
    const other = await swm(args, { input: scriptOf('exit 1') });
    expect(other).toMatchObject({ code: 4, stdout: '' });
    expect(other.stderr).toContain('[key_reused]');
  });

  it('again runs it once more under the same id', async () => {
    const { home, node } = place();
    const job = await waiter(home);
    const id = await node.submit(job.script);
    await pidOf(node, id);
    await job.go();
    const first = await node.until(id, isEnded);
    const again = await node.run('requeue', id);
    expect(again).toMatchObject({ code: 0, stdout: `${id}\n` });
    const second = await node.until(id, (row) => isEnded(row) && row.run === 2);
    expect(second).toMatchObject({ state: 'F', exitcode: 3, run: 2, attempt: 2 });
    expect(second.startedAt).toBeGreaterThan(first.endedAt);
    expect(await job.starts()).toBe(2);
    expect((await node.run('requeue', '00000000-0000-4000-8000-000000000000')).code).toBe(5);
  });
});

describe('a port of a job', { timeout: 60_000 }, () => {
  it.each(places)('%s is reached at its address', async (_, wishes) => {
    const { home, node } = place();
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const serve = [
      'use strict; use Socket;',
      'socket my $s, PF_INET, SOCK_STREAM, 0; setsockopt $s, SOL_SOCKET, SO_REUSEADDR, 1;',
      `bind $s, sockaddr_in(${port}, inet_aton($ENV{SWM_BIND})) or die; listen $s, 9;`,
      'print "ready\\n"; $| = 1;',
      'while (accept my $c, $s) { my $l = <$c>; syswrite $c, "$ENV{SWM_JOB_ID} $l"; close $c }',
    ].join('\n');
    await file(join(home, 'serve.pl'), serve);
    const script = scriptOf(`#SWM ports ${port}/tcp/in`, ...wishes, `exec perl ${home}/serve.pl`);
    const ids = [await node.submit(script)];
    if (wishes.length > 0) ids.push(await node.submit(script));
    for (const id of ids) {
      await node.until(id, (row) => row.phase === 'running' && row.address !== '');
      const { address } = await node.job(id);
      expect(await asked(address, port, 'hello\n')).toBe(`${id} hello\n`);
    }
    expect(
      new Set(await Promise.all(ids.map(async (id) => (await node.job(id)).address))).size,
    ).toBe(ids.length);
    const [{ address }] = [await node.job(ids[0]!)];
    await node.run('cancel', ...ids);
    for (const id of ids) await node.until(id, isEnded);
    await expect(asked(address, port, 'x\n')).rejects.toThrow('ECONNREFUSED');
  });
});

/** Says a line to a port, and gives all that comes back; it is tried until somebody is there. */
async function asked(host: string, port: number, line: string): Promise<string> {
  let text = '';
  await until(async () => {
    text = await new Promise<string>((resolve, reject) => {
      let heard = '';
      const socket = connect({ host, port }, () => void socket.write(line));
      socket.on('data', (part) => (heard += part));
      socket.on('error', reject);
      socket.on('close', () => resolve(heard));
    });
    return text !== '';
  });
  return text;
}
