import { setTimeout as sleep } from 'node:timers/promises';
import type { Gate } from '../actors/ports.ts';
import type { Runner } from '../actors/runner/runner.ts';
import type { RunnerPorts } from '../actors/runner/tasks.ts';
import { clusterRows } from '../actors/session/read.ts';
import { limits } from '../protocol/limits.ts';
import { message } from '../protocol/messages.ts';
import { control, split } from '../protocol/ref.ts';
import type { Node } from '../runtime/node.ts';
import type { Store } from '../runtime/ports.ts';
import { find } from '../runtime/record.ts';

export type Clearing = {
  readonly node: Node;
  readonly store: Store;
  readonly gates: ReadonlyMap<string, Gate>;
  readonly installation: string;
  /** What runs jobs on this very node, if it does. */
  readonly processes: RunnerPorts['processes'] | undefined;
};

/** How long jobs may take to end well; after that they are ended with what they run on. */
const WELL_MS = 1_500;
const LOOK_MS = 20;
const AGAIN_MS = 500;

/**
 * Cancels every job that has not ended and removes whatever was made for them. Resolves with ''
 * when nothing is left, however long the sites take; with what is, once the signal says not to
 * wait.
 */
export async function clearAll(clearing: Clearing, signal: AbortSignal): Promise<string> {
  cancelAll(clearing);
  const until = Date.now() + WELL_MS;
  while (Date.now() < until && leftOf(clearing) !== '') await sleep(LOOK_MS);
  if (leftOf(clearing) === '') return atSites(clearing, signal);
  for (;;) {
    await force(clearing, signal);
    // What the records say of machines that were taken away comes too late to be waited for.
    const left = creating(clearing) || (await atSites(clearing, signal));
    if (left === '' || signal.aborted) return left;
    await sleep(AGAIN_MS);
  }
}

/** A site may yet come to have what it was asked for a moment ago. */
function creating({ store }: Clearing): string {
  const names = clusterRows(store).filter(({ phase }) => phase === 'creating');
  return names.map(({ name }) => `${name} is being created`).join(', ');
}

const openJobs = (store: Store): readonly string[] =>
  ['/live/jobs', '/queued'].flatMap((index) => find(store, index, limits.pageMax).paths);

function cancelAll({ node, store }: Clearing): void {
  const who = { door: 'operator', id: `node ${node.name}` } as const;
  for (const path of openJobs(store))
    node.routes.tell(control(path), message('job.cancel', { id: split(path).name }), who);
}

/** By what the records say. */
function leftOf({ store }: Clearing): string {
  const jobs = openJobs(store).length;
  const clusters = clusterRows(store).length;
  return jobs + clusters === 0 ? '' : `${jobs} jobs and ${clusters} clusters are left`;
}

/** By what the sites say: a cluster whose record is gone must not be there either. */
async function atSites(clearing: Clearing, signal: AbortSignal): Promise<string> {
  const found = await Promise.all(
    [...clearing.gates].map(async ([remote, gate]) => {
      try {
        const ours = await listed(clearing, gate, signal);
        return ours.map(({ name }) => `${name} at ${remote}`);
      } catch (error) {
        return [`${remote} does not tell: ${(error as Error).message}`];
      }
    }),
  );
  return found.flat().join(', ');
}

const listed = async ({ installation }: Clearing, gate: Gate, signal: AbortSignal) =>
  (await gate.list(signal)).filter((partition) => partition.installation === installation);

/** No grace for what did not end by itself. */
async function force(clearing: Clearing, signal: AbortSignal): Promise<void> {
  cancelAll(clearing);
  const { node, processes, gates } = clearing;
  const runners = [...(node.routes.find('/runners')?.children.living ?? [])];
  await Promise.allSettled(runners.map(({ state }) => processes?.stop((state as Runner).key, 0)));
  await Promise.all(
    [...gates.values()].map(async (gate) => {
      try {
        for (const { externalId } of await listed(clearing, gate, signal))
          await gate.remove(externalId, signal);
      } catch {
        // Whether it is gone is looked at anew, and it is removed again.
      }
    }),
  );
}
