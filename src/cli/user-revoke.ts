import { exits } from './exits.ts';
import type { Call } from './verb.ts';

/** Revokes a user; jobs of theirs go on, and are an operator's to cancel. */
export async function run({ args, screen, client }: Call): Promise<number> {
  const [user] = args as [string];
  const revoked = await (await client()).call('user.revoke', { user });
  if (screen.json) screen.printJson(revoked);
  else screen.print(revoked.name);
  return exits.good;
}
