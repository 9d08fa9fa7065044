import { normalize } from 'node:path';
import type { ProcessOrder } from '../../actors/ports.ts';
import { Malformed } from '../../protocol/errors.ts';
import type { Account } from './account.ts';

/** Whether `path` lies below `directory`; both are absolute and plain. */
const below = (path: string, directory: string): boolean =>
  directory !== '' && path.startsWith(directory.endsWith('/') ? directory : `${directory}/`);

/** Throws `Malformed` for what could be taken for something else on its way to the process. */
export function checkOrder(order: ProcessOrder): void {
  for (const field of ['directory', 'script', 'stdin', 'stdout', 'stderr'] as const) {
    const path = order[field];
    if (path === '' && field === 'stdin') continue;
    const plain = path.startsWith('/') && !path.includes('\0') && normalize(path) === path;
    if (!plain) throw new Malformed(`$.${field}`, 'an absolute path without dots');
  }
  for (const [name, value] of Object.entries(order.env))
    if (name === '' || /[=\0]/.test(name) || value.includes('\0'))
      throw new Malformed(`$.env.${name}`, 'a name without `=`, and a value without a NUL');
}

/** Logs of this path are opened by swm itself, and given to the job's account. */
export const isOwnLog = ({ directory }: ProcessOrder, path: string, spool: string): boolean =>
  below(path, spool) && !below(path, directory);

/**
 * The fields by which a slot starts it, its environment last. Logs below `spool` are opened by swm
 * itself and given to the job's account; all others as that account.
 */
export function startFields(
  order: ProcessOrder,
  marks: Readonly<Record<string, string>>,
  account: Account | undefined,
  spool: string,
): readonly string[] {
  const { directory, script, stdin, stdout, stderr } = order;
  const isOurs = (path: string) => account !== undefined && isOwnLog(order, path, spool);
  const trusted = `${isOurs(stdout) ? 'o' : ''}${isOurs(stderr) ? 'e' : ''}`;
  const who = account
    ? [
        `${account.uid}`,
        `${account.gid}`,
        (account.groups.length > 0 ? account.groups : [account.gid]).join(' '),
      ]
    : ['', '', ''];
  const env = Object.entries({ ...order.env, ...marks }).map(([name, value]) => `${name}=${value}`);
  return [directory, script, stdin, stdout, stderr, trusted, ...who, ...env];
}
