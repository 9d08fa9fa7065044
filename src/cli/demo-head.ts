import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failed } from '../protocol/errors.ts';

/** The head of the demo: a process of its own, the one that `bin/swm dev` is for everybody. */
export type Head = {
  readonly spool: string;
  /** Its URL, once it can be spoken to. Rejects with `Failed` if it ends before. */
  readonly ready: Promise<string>;
  /** Whether it ever was: one that is told to end before that leaves its folder as it is. */
  isReady(): boolean;
  /** Resolves with the reason once it is gone. */
  readonly ended: Promise<string>;
  /** The end of its log, for people. */
  tail(): Promise<string>;
  /** Has it remove all that it made, and end; false if it did not in time. */
  stop(): Promise<boolean>;
};

/**
 * Runs the head for as long as its own stdin stays open, that is, until it is told to end or the
 * demo dies, even by SIGKILL; in the latter case it takes the demo's folder away as well.
 */
const guard = `
root=$1
shift
exec 3<&0
"$@" </dev/null 3<&- &
head=$!
{ read -r _ <&3; kill -TERM "$head"; } 2>/dev/null &
watch=$!
exec 3<&-
trap '' HUP INT TERM
wait "$head"
code=$?
kill "$watch" 2>/dev/null
[ -d "/proc/$PPID" ] || rm -rf "$root"
exit "$code"
`;

const SWM = join(import.meta.dirname, '..', '..', 'bin', 'swm');
const TAIL_LINES = 25;
const ERR_CHARS = 10_000;
/** A clean end takes 5 s at most, and a machine under load somewhat longer. */
const STOP_MS = 10_000;

/** Starts a head with a site of its own below `root`, or as `options` say. */
export function startHead(root: string, options: readonly string[] = []): Head {
  const spool = join(root, 'spool');
  const command = [SWM, 'dev', '--spool', spool, '--ephemeral', ...options];
  // A session of its own: Ctrl-C is the demo's to hear, which then ends the head in good order.
  const child = spawn('/bin/sh', ['-c', guard, 'swm-demo-head', root, ...command], {
    cwd: root,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  let isReady = false;
  child.stderr.on('data', (text) => (err = `${err}${text}`.slice(-ERR_CHARS)));
  child.stdin.on('error', () => {});
  const ended = once(child, 'close').then(
    ([code, signal]) => `the head ended with ${signal ?? `code ${code}`}`,
    (error: Error) => `the head could not be started: ${error.message}`,
  );
  const ready = new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (text) => {
      out += text;
      const url = /^ready .* (https:\S+)$/m.exec(out)?.[1];
      if (url === undefined) return;
      isReady = true;
      resolve(url);
    });
    void ended.then((why) => reject(new Failed('unreachable', why)));
  });
  ready.catch(() => {});
  return {
    spool,
    ready,
    isReady: () => isReady,
    ended,
    async tail() {
      const log = await readFile(join(spool, 'log', 'swm.log'), 'utf8').catch(() => '');
      return `${log}\n${err}`.trim().split('\n').slice(-TAIL_LINES).join('\n');
    },
    async stop() {
      child.stdin.end();
      const late = new AbortController();
      const over = sleep(STOP_MS, false, late).catch(() => false);
      const done = await Promise.race([ended.then(() => true), over]);
      late.abort();
      return done;
    },
  };
}
