import { inviteTo } from './invitation.ts';
import type { Call } from './verb.ts';

/** Has the heads expect a worker, and writes what that one joins by. */
export function run(call: Call): Promise<number> {
  const [name] = call.args as [string];
  return inviteTo(call, name, async () => (await call.client()).call('node.add', { name }));
}
