import type { RestSetup } from '../api/rest/rest.ts';
import type { Config } from '../config.ts';
import { accounts } from '../platform/process/account.ts';
import { openLocalDisk } from '../platform/process/local-disk.ts';
import { Failed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { Users } from './users.ts';

/**
 * Reads this machine's disk for users whom the configuration gives an account here. A head that is
 * not root may become nobody: then only its own account can be given.
 */
export function localDiskOf({ inputs }: Config, users: Users): RestSetup['localDisk'] {
  const given = new Map(Object.entries(inputs.accounts));
  if (given.size === 0) return undefined;
  const look = accounts(limits.accountMs, Date.now);
  return async (id, signal) => {
    const user = users.rows().find((row) => row.id === id);
    const name = user && given.get(user.name);
    if (name === undefined) return undefined;
    const account = await look(name);
    const own = process.geteuid?.();
    if (own === account.uid) return openLocalDisk(undefined, signal);
    if (own !== 0)
      throw new Failed('forbidden', `this head may not read files as the account ${name}`);
    return openLocalDisk(account, signal);
  };
}
