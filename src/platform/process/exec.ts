import { spawn } from 'node:child_process';
import type { ProcessOrder } from '../../actors/ports.ts';
import { Failed } from '../../protocol/errors.ts';
import { encodeExecFrame } from '../../protocol/exec-frame.ts';
import type { ExecWish } from '../../protocol/exec-wish.ts';
import { limits } from '../../protocol/limits.ts';
import type { Stream } from '../stream.ts';
import type { Account } from './account.ts';
import { execProgram } from './exec-program.ts';
import { PERL, systemCalls } from './launcher.ts';

/** What makes a process one of an attempt: files for its pid, and its marks in the environment. */
export type Membership = {
  readonly procs: readonly string[];
  readonly marks: Readonly<Record<string, string>>;
  /** The path of the attempt's record. */
  readonly record: string;
};

/** A wish for one attempt of the job, at which a head has looked. */
export type EnterWish = ExecWish & { readonly attempt: number };

/** Runs a command inside an attempt of this node, over a stream, until one of the two ends. */
export type Enter = (wish: EnterWish, stream: Stream, accept: () => void) => Promise<void>;

export type Entered = {
  readonly wish: EnterWish;
  /** How the attempt's own process was started. */
  readonly beside: ProcessOrder;
  readonly member: Membership;
  readonly account: Account | undefined;
  /** Aborted when the attempt is over. */
  readonly over: AbortSignal;
};

/**
 * Runs it as a process of the attempt: its account, directory, environment, limits and end. What
 * there is of it is killed when the stream is gone, the attempt over, or this worker. Resolves
 * once all of that is done.
 */
export function enter(entered: Entered, stream: Stream, accept: () => void): Promise<void> {
  const [setsid, prctl] = systemCalls() ?? [];
  if (setsid === undefined || prctl === undefined)
    throw new Failed('refused', 'this node cannot run commands inside jobs');
  const child = spawn(PERL, ['-e', execProgram, `${setsid}`, `${prctl}`], {
    cwd: '/',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const leave = (): void => void child.kill('SIGTERM');
  const over = (): void => {
    stream.destroy(new Failed('wrong_phase', `job ${entered.wish.job} runs no more`));
  };
  child.stdin.on('error', () => {});
  child.stdout.on('error', () => {});
  return new Promise((resolve, reject) => {
    const done = (): void => {
      entered.over.removeEventListener('abort', over);
      resolve();
    };
    child.once('error', (error) => reject(new Failed('start_failed', error.message)));
    child.once('close', done);
    child.once('spawn', () => {
      accept();
      stream.once('close', leave);
      entered.over.addEventListener('abort', over);
      if (entered.over.aborted) over();
      child.stdin.write(encodeExecFrame('G', orderOf(entered)));
      stream.pipe(child.stdin);
      child.stdout.pipe(stream);
      if (stream.destroyed) leave();
    });
  });
}

/** As the program reads it. */
function orderOf({ wish, beside, member, account }: Entered): Uint8Array {
  const { words, window } = wish;
  const term = window?.term ?? '';
  const env = { ...beside.env, ...(term !== '' && { TERM: term }), ...member.marks };
  const fields = [
    `${member.procs.length}`,
    ...member.procs,
    beside.directory,
    ...(account === undefined ? ['', '', ''] : idsOf(account)),
    window === null ? '' : `${window.columns} ${window.rows}`,
    `${words.length}`,
    ...words,
    ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
  ];
  return Buffer.from(fields.join('\0'));
}

const idsOf = ({ uid, gid, groups }: Account): readonly string[] => [
  `${uid}`,
  `${gid}`,
  (groups.length > 0 ? groups : [gid]).join(' '),
];

/** Counts who is inside by all that it is put around, and lets in no more than so many. */
export function countedEntries(): (enter: Enter) => Enter {
  let inside = 0;
  return (enter) => async (wish, stream, accept) => {
    if (inside >= limits.execsMax)
      throw new Failed('busy', `${inside} commands run inside jobs of this node`);
    inside += 1;
    try {
      await enter(wish, stream, accept);
    } finally {
      inside -= 1;
    }
  };
}
