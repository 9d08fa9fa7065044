import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { type Client, connect } from '../../src/client/client.ts';
import { dialTerminal } from '../../src/platform/dial.ts';
import { keyPlaces, loadCredentials } from '../../src/platform/key-files.ts';
import type { JobRow } from '../../src/protocol/model.ts';
import { endInstallation } from './machine.ts';

const SWM = join(import.meta.dirname, '..', '..', 'bin', 'swm');

export type Done = {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
};

type Ways = {
  readonly input?: string;
  readonly cwd?: string;
  readonly env?: object;
  /** Told of what it prints as it comes. */
  readonly heard?: (part: string) => void;
};

/** Runs the command as a user would, and waits for its end. */
export function swm(
  args: readonly string[],
  { input = '', cwd, env = {}, heard }: Ways = {},
): Promise<Done> {
  const child = spawn(SWM, args, { cwd, env: { ...process.env, ...env } });
  cleanup(async () => void child.kill('SIGKILL'));
  return output(child, input, heard);
}

function output(
  child: ChildProcess,
  input: string,
  heard: (part: string) => void = () => {},
): Promise<Done> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (part: string) => {
    stdout += part;
    heard(part);
  });
  child.stderr?.on('data', (part) => (stderr += part));
  child.stdin?.on('error', () => {});
  child.stdin?.end(input);
  return new Promise((resolve) =>
    child.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr })),
  );
}

type Cleanup = () => Promise<void>;
const ofTest: Cleanup[] = [];
/** What is made now is taken away with the test, or with all of them. */
let cleanups = ofTest;

const cleaned = async (all: Cleanup[]): Promise<void> => {
  for (const clean of all.splice(0).reverse()) await clean();
};
afterEach(() => cleaned(ofTest));

/** Makes something once for all tests of the group that calls this. */
export function forAll<T>(make: () => Promise<T>): () => T {
  const ofAll: Cleanup[] = [];
  let made: T;
  beforeAll(async () => {
    cleanups = ofAll;
    try {
      made = await make();
    } finally {
      cleanups = ofTest;
    }
  }, 60_000);
  afterAll(() => cleaned(ofAll), 60_000);
  return () => made;
}

/** Does this when the test, or the group, is over; what was begun last is undone first. */
export const cleanup = (clean: Cleanup): void => void cleanups.push(clean);

/** A folder that jobs of other accounts may pass through, removed with the test. */
export async function folder(): Promise<string> {
  const path = mkdtempSync(join(tmpdir(), 'swm-e2e-'));
  await chmod(path, 0o711);
  cleanups.push(async () => rmSync(path, { recursive: true, force: true }));
  return path;
}

export type Dev = {
  readonly spool: string;
  readonly pid: number;
  readonly log: () => string;
  /** Resolves with the exit code once the node has ended. */
  readonly ended: Promise<number>;
  submit(script: string, ...args: string[]): Promise<string>;
  jobs(): Promise<readonly JobRow[]>;
  job(id: string): Promise<JobRow>;
  /** Waits until the job is as wanted. */
  until(id: string, wanted: (job: JobRow) => boolean, seconds?: number): Promise<JobRow>;
  run(...args: string[]): Promise<Done>;
  /** Speaks with it as its admin: asking so often with the command would take the machine. */
  readonly client: Client;
  kill(signal: NodeJS.Signals): Promise<number>;
};

/** Starts a whole swm on a spool. What is left of it is ended with the test, machines and all. */
export async function dev(
  spool: string,
  args: readonly string[] = [],
  account: { readonly uid?: number; readonly gid?: number } = {},
): Promise<Dev> {
  const child = spawn(SWM, ['dev', '--spool', spool, ...args], account);
  let text = '';
  child.stdout.on('data', (part) => (text += part));
  child.stderr.on('data', (part) => (text += part));
  const ended = new Promise<number>((resolve) =>
    child.on('close', (code, signal) => resolve(code ?? (signal ? 128 : -1))),
  );
  cleanups.push(async () => {
    child.kill('SIGKILL');
    await ended;
    await endInstallation(spool);
  });
  let over: number | undefined;
  void ended.then((code) => (over = code));
  await until(() => text.includes('\nready ') || text.startsWith('ready ') || over !== undefined);
  if (over !== undefined) throw new Error(`dev ended with ${over}: ${text}`);
  return deviceOf(spool, child, ended, () => text);
}

function deviceOf(
  spool: string,
  child: ChildProcess,
  ended: Promise<number>,
  log: () => string,
): Dev {
  const run = (...args: string[]): Promise<Done> => swm([...args, '--spool', spool]);
  const client = clientOf(spool);
  const jobs = async (): Promise<readonly JobRow[]> => (await client.call('job.list', {})).jobs;
  const job = async (id: string): Promise<JobRow> => {
    const found = (await jobs()).find((one) => one.id === id);
    if (found === undefined) throw new Error(`no job ${id}`);
    return found;
  };
  return {
    spool,
    pid: child.pid ?? 0,
    log,
    ended,
    run,
    client,
    jobs,
    job,
    async submit(script, ...args) {
      const done = await swm(['submit', '--spool', spool, ...args, '-'], { input: script });
      if (done.code !== 0) throw new Error(`submit: ${done.code} ${done.stderr}`);
      return done.stdout.trim();
    },
    async until(id, wanted, seconds = 30) {
      let last: JobRow | undefined;
      const fits = async (): Promise<boolean> => {
        last = await job(id);
        return wanted(last);
      };
      await until(fits, seconds).catch((error) => {
        throw new Error(`${(error as Error).message}: ${JSON.stringify(last)}\n${log()}`);
      });
      return last as JobRow;
    },
    kill: async (signal) => {
      child.kill(signal);
      return ended;
    },
  };
}

/** Speaks with the node of a spool as its admin, whichever ports it has found. */
export function clientOf(spool: string): Client {
  const places = keyPlaces(spool);
  const client = connect({
    callMs: 10_000,
    open: async () => {
      const file = await readFile(join(spool, 'run', 'node.json'), 'utf8');
      const { terminal } = JSON.parse(file) as { terminal: { host: string; port: number } };
      const credentials = await loadCredentials(places.user('admin'), places.chain);
      const address = `${terminal.host}:${terminal.port}`;
      return dialTerminal({ address, credentials, subprotocol: 'swm.v1+msgpack' });
    },
  });
  cleanups.push(async () => client.close());
  return client;
}

/** Waits for a condition, not for a time. */
export async function until(holds: () => boolean | Promise<boolean>, seconds = 20): Promise<void> {
  const late = Date.now() + seconds * 1000;
  while (!(await holds())) {
    if (Date.now() > late) throw new Error(`not within ${seconds} s`);
    await sleep(50);
  }
}

/** Writes a file and gives its path. */
export async function file(path: string, text: string | Uint8Array, mode = 0o644): Promise<string> {
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}
