import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { basename, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from './lab.ts';

const home = join(import.meta.dirname, '..', '..');
const command = `sh ${home}/bin/with-node ${home}/src/cli/demo.ts`;

type Demo = {
  readonly child: ChildProcess;
  readonly ended: Promise<number>;
  out(): string;
  err(): string;
  /** What the first group of the pattern is in the output, once it is there. */
  find(pattern: RegExp): Promise<string>;
  signal(name: NodeJS.Signals): void;
};

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

function demo([program, ...args]: readonly [string, ...string[]]): Demo {
  const child = spawn(program, args);
  started.push(child);
  let out = '';
  let err = '';
  child.stdout.on('data', (text) => (out += text));
  child.stderr.on('data', (text) => (err += text));
  let over = false;
  const ended = new Promise<number>((resolve) =>
    child.on('close', (code) => {
      over = true;
      resolve(code ?? -1);
    }),
  );
  const found = (pattern: RegExp): string | undefined => pattern.exec(out)?.[1];
  return {
    child,
    ended,
    out: () => out,
    err: () => err,
    async find(pattern) {
      await until(() => found(pattern) !== undefined || over, 60);
      expect(found(pattern), `${out}\n${err}`).toBeDefined();
      return found(pattern)!;
    },
    signal: (name) => void child.kill(name),
  };
}

const plainDemo = (): Demo => demo(['sh', '-c', `exec ${command}`]);

const ROOT = /starts in (\/\S+)/;
const JOB = /job {7}([0-9a-f]{8}) is queued/;

/** Processes that have one of these in their environment, command or working directory. */
const bearing = (marks: readonly string[]): readonly string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const texts = ['environ', 'cmdline'].map((file) => readFileSync(`/proc/${pid}/${file}`));
        return texts.some((text) => marks.some((mark) => text.includes(mark)));
      } catch {
        return false;
      }
    });

const answers = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => socket.destroy());
  });

/** Looks for itself, whatever the demo says of what is left. */
async function expectNothingLeft({ out }: Demo): Promise<void> {
  const text = out();
  const root = ROOT.exec(text)?.[1] ?? '';
  expect(root).toMatch(/\/swm-demo-/);
  expect(existsSync(root)).toBe(false);
  const job = JOB.exec(text)?.[1];
  const marks = [basename(root), ...(job === undefined ? [] : [`swm-${job}`, `_ID=${job}-`])];
  expect(bearing(marks)).toEqual([]);
  if (job === undefined) return;
  expect(globSync(`/sys/fs/cgroup/**/swm-machine.*${job}*`)).toEqual([]);
  for (const [, host = '', port = ''] of text.matchAll(/https?:\/\/([\d.]+):(\d+)/g))
    expect(await answers(host, Number(port)), `${host}:${port}`).toBe(false);
}

const lastLines = (text: string): readonly string[] => text.trimEnd().split(/\r?\n/).slice(-2);

describe('the demo', { timeout: 120_000 }, () => {
  it('shows each step and leaves nothing: two at a time, one of them on a terminal', async () => {
    const plain = plainDemo();
    const seen = demo(['script', '-qec', command, '/dev/null']);
    for (const each of [plain, seen]) {
      expect(await each.ended, each.out() + each.err()).toBe(0);
      const [took, left] = lastLines(each.out());
      expect(took).toMatch(/^took \d+ s$/);
      expect(left).toBe('left behind: 0');
    }
    expect(plain.err()).toBe('');
    expect(plain.out()).not.toContain('\x1b');
    expect(seen.out()).toMatch(/\r\x1b\[K.*upload .*░.* of 1\.5 MiB/);
    expect(plain.out().match(/has joined/g)).toHaveLength(2);
    // A cluster that is made in no time is seen for the first time when it is made.
    expect(plain.out()).toMatch(/cluster {3}swm-\w+ is (being )?created/);
    const begun = ['is queued', 'has joined', 'job       is running'];
    const done = ['say the same', 'the life of the job'];
    // The job may end as soon as it has given its page, before that is shown.
    for (const step of ['answers through the tunnel', 'results come back']) {
      const at = [...begun, step, ...done].map((each) => plain.out().indexOf(each));
      expect(at).not.toContain(-1);
      expect(at).toEqual(at.toSorted((a, b) => a - b));
    }
    for (const step of ['to all 2 workers', 'rank 1    | brought them to', 'is right', 'is gone'])
      expect(plain.out()).toContain(step);
    await expectNothingLeft(plain);
    expect(plain.out()).not.toContain(ROOT.exec(seen.out())![1]);
  });

  it('cleans up when it is interrupted, at the start and in the middle of the job', async () => {
    for (const moment of [ROOT, /job {7}is (running)/]) {
      const cut = plainDemo();
      await cut.find(moment);
      cut.signal('SIGINT');
      cut.signal('SIGINT');
      expect(await cut.ended).toBe(130);
      expect(lastLines(cut.out())[1]).toBe('left behind: 0');
      expect(cut.err()).toContain('interrupted by SIGINT');
      await expectNothingLeft(cut);
    }
  });

  it('cleans up even when it is killed', async () => {
    const killed = plainDemo();
    const root = await killed.find(ROOT);
    await killed.find(/(has joined)/);
    killed.signal('SIGKILL');
    await until(() => !existsSync(root) && bearing([basename(root)]).length === 0, 30);
    await expectNothingLeft(killed);
  });

  it('says why when its head dies, and cleans up what that made', async () => {
    const beheaded = plainDemo();
    const root = await beheaded.find(ROOT);
    await beheaded.find(/(has joined)/);
    const { pid } = JSON.parse(readFileSync(join(root, 'spool', 'run', 'node.json'), 'utf8'));
    process.kill(pid, 'SIGKILL');
    expect(await beheaded.ended).toBe(1);
    expect(beheaded.err()).toContain('the head ended with code 137');
    expect(lastLines(beheaded.out())[1]).toBe('left behind: 0');
    await expectNothingLeft(beheaded);
  });

  it('finds what is left, tells of it and takes it away', async () => {
    const littered = plainDemo();
    const root = await littered.find(ROOT);
    const job = await littered.find(JOB);
    const folder = `/var/tmp/stray-${job}`;
    mkdirSync(folder);
    const stray = spawn('sleep', ['60'], { env: { ...process.env, STRAY: root }, detached: true });
    const over = new Promise((resolve) => stray.once('exit', (_, name) => resolve(name)));
    expect(await littered.ended).toBe(1);
    expect(lastLines(littered.out())[1]).toBe('left behind: 2');
    expect(littered.err()).toContain(`process ${stray.pid}: sleep 60`);
    expect(littered.err()).toContain(`folder ${folder}`);
    expect(await over).toBe('SIGKILL');
    expect(existsSync(folder)).toBe(false);
  });
});
