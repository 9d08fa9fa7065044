import { accessSync, constants, statSync } from 'node:fs';
import { chmod, mkdtemp, realpath, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failed } from '../protocol/errors.ts';
import type { Head } from './demo-head.ts';
import { openStage, type Stage } from './demo-stage.ts';
import { observe, type Traces, traces, whatIsLeft, wipe } from './demo-traces.ts';
import { exits } from './exits.ts';

/** What is shown; `present` does what all shows have around them. */
export type Show = {
  /** All that goes wrong is thrown. The last head that was told of is ended after it. */
  perform(stage: Stage, seen: Traces, started: (head: Head) => void): Promise<void>;
  /** Files and folders of its own in the folder that it plays in. */
  readonly props: readonly string[];
  /** What is left that this machine does not show. */
  readonly left?: () => readonly string[];
  /** Ends what it has begun besides the head, once nothing else is left of it. */
  readonly close?: () => Promise<void>;
  readonly hangsMs: number;
};

/**
 * Plays a show in a folder of its own, ends its head, which removes what it made, and looks whether
 * anything is left of it all. Gives the exit code: 0 if all went well and nothing is left, 1 if
 * not, 2 if it cannot run here.
 */
export async function present(show: Show): Promise<number> {
  forgetSettings();
  process.umask(0o022);
  // Whoever reads us may go away: it is cleaned up all the same.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const stage = openStage();
  const interrupted = interruption();
  let seen: Traces;
  try {
    seen = traces(await makeRoot());
  } catch (error) {
    stage.screen.note(`demo: it cannot run here: ${(error as Error).message}`);
    return exits.usage;
  }
  let head: Head | undefined;
  let code: number = exits.good;
  try {
    const playing = show.perform(stage, seen, (started) => (head = started));
    playing.catch(() => {});
    await Promise.race([playing, interrupted, hanging(show.hangsMs)]);
  } catch (error) {
    code = await explain(stage, error, head);
  }
  return end(stage, show, seen, head, code);
}

/** Ends the head, which removes what it made, and looks whether it did. */
async function end(
  { screen, step }: Stage,
  show: Show,
  seen: Traces,
  head: Head | undefined,
  code: number,
): Promise<number> {
  screen.print('');
  observe(seen);
  if (head !== undefined && !(await head.stop()))
    screen.note(`demo: the head does not end; its last lines:\n${await head.tail()}`);
  const besides = show.left?.() ?? [];
  await show.close?.();
  for (const ours of show.props) await rm(join(seen.root, ours), { recursive: true, force: true });
  await rmdir(seen.root).catch(() => {});
  // What failed may leave things about: those go first, and what is told is what cannot go.
  const isBad = code === exits.fault || head?.isReady() === false;
  if (isBad) await wipe(seen);
  const left = [...(isBad ? [] : besides), ...(await whatIsLeft(seen))];
  for (const line of left) screen.note(`demo: left behind: ${line}`);
  await wipe(seen);
  if (left.length === 0) step('check', 'no process, port, folder or control group is left');
  screen.print(`took ${Math.round(performance.now() / 1000)} s`);
  screen.print(`left behind: ${left.length}`);
  return left.length === 0 ? code : exits.fault;
}

/** Says what went wrong, with the end of the head's log, and gives the exit code. */
async function explain({ screen }: Stage, error: unknown, head: Head | undefined): Promise<number> {
  if (error instanceof Interrupted) {
    screen.note(`demo: ${error.message}`);
    return error.code;
  }
  const known = error instanceof Failed;
  const text = error instanceof Error && !known ? error.stack : (error as Error).message;
  screen.note(`demo: it failed: ${text}`);
  const tail = await head?.tail();
  if (tail) screen.note(`demo: the last lines of the head's log:\n${tail}`);
  return exits.fault;
}

class Interrupted extends Error {
  readonly code: number;
  constructor(name: string, number: number) {
    super(`interrupted by ${name}; cleaning up`);
    this.code = exits.signal + number;
  }
}

/** Rejects at the first signal; later ones must not disturb the cleaning up. */
function interruption(): Promise<never> {
  const signals = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
  const told = new Promise<never>((_, reject) => {
    for (const [name, number] of Object.entries(signals))
      process.on(name, () => reject(new Interrupted(name, number)));
  });
  told.catch(() => {});
  return told;
}

async function hanging(ms: number): Promise<never> {
  await sleep(ms);
  throw new Failed('timeout', `the demo did not end within ${ms / 1000} s`);
}

/** A folder for all of it, on a way that the account of jobs can pass. Throws if there is none. */
async function makeRoot(): Promise<string> {
  if (process.platform !== 'linux')
    throw new Error('it needs Linux: /proc, and all of 127.0.0.0/8');
  for (const tool of ['/bin/bash', '/usr/bin/perl']) {
    if (!isThere(tool)) throw new Error(`there is no ${tool}, which examples/wordcount.job calls`);
  }
  for (const place of [tmpdir(), '/tmp', '/var/tmp']) {
    if (!isOpen(place)) continue;
    const root = await realpath(await mkdtemp(join(place, 'swm-demo-')));
    await chmod(root, 0o711);
    return root;
  }
  throw new Error('jobs run as nobody, and that account cannot enter /tmp or /var/tmp');
}

const isThere = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;

/** We can write there; and if jobs run as another account than ours, so that it can enter. */
function isOpen(place: string): boolean {
  try {
    accessSync(place, constants.W_OK | constants.X_OK);
    for (let at = place; process.geteuid?.() === 0; at = dirname(at)) {
      if ((statSync(at).mode & 0o001) === 0) return false;
      if (at === dirname(at)) break;
    }
    return true;
  } catch {
    return false;
  }
}

/** What our own environment says of other nodes is not meant for this one. */
function forgetSettings(): void {
  const marks = ['SWM_MACHINE', 'SWM_INSTALLATION', 'SWM_JOB_ID', 'SWM_ATTEMPT'];
  for (const name of Object.keys(process.env))
    if (name.startsWith('SWM_') && !marks.includes(name)) delete process.env[name];
}
