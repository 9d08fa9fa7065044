import { Failed } from '../protocol/errors.ts';
import { exits, explain } from './exits.ts';
import { type Named, named } from './task-ids.ts';
import type { Call } from './verb.ts';

/** Asks the same of each job that is named; one that refuses does not hold up the others. */
export async function each(
  { args, screen, client }: Call,
  name: 'job.cancel' | 'job.hold' | 'job.release',
): Promise<number> {
  const open = await client();
  const wish = (arg: string): Named => (name === 'job.cancel' ? named(arg) : { id: arg });
  const ended = await Promise.allSettled(args.map((arg) => open.call(name, wish(arg))));
  const results: object[] = [];
  let code: number = exits.good;
  for (const [at, result] of ended.entries()) {
    if (result.status === 'fulfilled') {
      results.push(result.value);
      if (!screen.json) screen.print(result.value.id);
    } else {
      if (!(result.reason instanceof Failed)) throw result.reason;
      results.push({ id: args[at], error: result.reason.failure });
      code = explain({ ...screen, json: false }, result.reason);
    }
  }
  if (screen.json) screen.printJson(results);
  return code;
}
