import { inviteTo } from './invitation.ts';
import type { Call } from './verb.ts';

/** Has the group expect another head, and writes what that one joins by. */
export function run(call: Call): Promise<number> {
  const [name, address] = call.args as [string, string];
  return inviteTo(call, name, async () =>
    (await call.client()).call('head.add', { name, address }),
  );
}
