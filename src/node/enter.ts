import type { AttemptKey } from '../actors/ports.ts';
import type { Runner } from '../actors/runner/runner.ts';
import { processLike, type RunnerPorts } from '../actors/runner/tasks.ts';
import type { FindEngine } from '../platform/container/engine.ts';
import { enterContainer } from '../platform/container/enter.ts';
import type { Account } from '../platform/process/account.ts';
import { type Enter, enter } from '../platform/process/exec.ts';
import type { LocalProcesses } from '../platform/process/processes.ts';
import { Failed } from '../protocol/errors.ts';
import type { Node } from '../runtime/node.ts';

export type EnterParts = {
  readonly node: Node;
  readonly ports: RunnerPorts;
  readonly processes: LocalProcesses;
  readonly find: FindEngine;
  readonly accountOf: (user: string) => Promise<Account | undefined>;
};

/** Runs commands inside the attempts of this worker, as its runners know them. */
export const enterBy =
  ({ node, ports, processes, accountOf, find }: EnterParts): Enter =>
  async (wish, stream, accept) => {
    const { job, attempt, rank } = wish;
    const key: AttemptKey = { job, attempt, rank };
    const left = new AbortController();
    stream.once('close', () => left.abort());
    const beside = await processLike(ports, runningOf(node, key), left.signal);
    const account = await accountOf(beside.user);
    const member = processes.membership(key);
    const over = new AbortController();
    const ended = (): void => over.abort();
    processes.exited(key, left.signal).then(ended, ended);
    const entered = { wish, beside, member, account, over: over.signal };
    if (beside.image === undefined) await enter(entered, stream, accept);
    else await enterContainer(find, entered, stream, accept);
  };

function runningOf(node: Node, { job, attempt, rank }: AttemptKey) {
  const found = node.routes.find(`/runners/${job}.${attempt}.${rank}`)?.state;
  const { order = null, place = null, phase } = (found ?? {}) as Partial<Runner>;
  if (order !== null && place !== null && (phase === 'running' || phase === 'saving'))
    return { order, place };
  throw new Failed('wrong_phase', `rank ${rank} of job ${job} does not run here`);
}
