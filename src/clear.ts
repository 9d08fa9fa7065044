import { setTimeout as sleep } from 'node:timers/promises';
import { clusterRows } from './actors/session/read.ts';
import { limits } from './protocol/limits.ts';
import { message } from './protocol/messages.ts';
import { control, split } from './protocol/ref.ts';
import type { Node } from './runtime/node.ts';
import type { Store } from './runtime/ports.ts';
import { find } from './runtime/record.ts';

/** How long a node that leaves nothing behind waits for it; a clean end takes no longer than 5 s. */
const CLEAR_MS = 4_000;

/** Cancels every job that has not ended, and waits until nothing that was made for them is left. */
export async function clearAll(node: Node, store: Store): Promise<void> {
  const who = { door: 'operator', id: `node ${node.name}` } as const;
  const open = (): readonly string[] =>
    ['/live/jobs', '/queued'].flatMap((index) => find(store, index, limits.pageMax).paths);
  for (const path of open())
    node.routes.tell(control(path), message('job.cancel', { id: split(path).name }), who);
  const until = Date.now() + CLEAR_MS;
  while (Date.now() < until && (open().length > 0 || clusterRows(store).length > 0))
    await sleep(20);
}
