import type { AuditRow } from '../protocol/user-shapes.ts';
import { exits, Usage } from './exits.ts';
import { printRows } from './lists.ts';
import { type Call, textOf } from './verb.ts';

/** Lists what users changed, or wanted to, by the head that answers. */
export async function run({ options, screen, client }: Call): Promise<number> {
  const user = textOf(options, 'user');
  const asked = {
    ...(user !== undefined && { user }),
    ...numberOf(options, 'since', Date.parse),
    ...numberOf(options, 'limit', Number),
  };
  const { head, rows } = await (await client()).call('audit.list', asked);
  if (!screen.json) screen.note(`as ${head} has noted it; other heads have their own`);
  printRows<AuditRow>(screen, rows, [
    { title: 'AT', of: ({ at }) => new Date(at).toISOString() },
    { title: 'WHO', of: ({ who }) => who, gives: true },
    { title: 'AS', of: ({ door }) => door },
    { title: 'FROM', of: ({ from }) => from, gives: true },
    { title: 'WHAT', of: ({ what }) => what },
    { title: 'OF', of: ({ of }) => of, gives: true },
    { title: 'RESULT', of: ({ result }) => result },
  ]);
  return exits.good;
}

function numberOf(
  options: Call['options'],
  name: 'since' | 'limit',
  read: (text: string) => number,
): Readonly<Record<string, number>> {
  const text = textOf(options, name);
  if (text === undefined) return {};
  const value = read(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new Usage(`swm: --${name}: not ${text}`);
  return { [name]: value };
}
