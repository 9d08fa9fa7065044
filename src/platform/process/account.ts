import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { Failed } from '../../protocol/errors.ts';

/** A local account, in numbers; undefined stands for our own, when we may be no other. */
export type Account = {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
};

const run = promisify(execFile);

/** As useradd takes them, and those of a directory service such as `ann@example.org`. */
const names = /^[A-Za-z_][A-Za-z0-9_.@-]{0,254}\$?$/;

/**
 * Looks accounts up by `id`, so that a directory service is asked too. Answers are kept for
 * `keepMs`. Throws `Failed` of `no_user` for one that is unknown, and for root by any name.
 */
export function accounts(keepMs: number, now: () => number) {
  const known = new Map<string, { readonly until: number; readonly found: Promise<Account> }>();
  return (name: string): Promise<Account> => {
    const kept = known.get(name);
    if (kept && kept.until > now()) return kept.found;
    const found = ask(name);
    known.set(name, { until: now() + keepMs, found });
    found.catch(() => known.delete(name));
    return found;
  };
}

async function ask(name: string): Promise<Account> {
  if (!names.test(name)) throw new Failed('no_user', `'${name}' is not the name of an account`);
  const { stdout } = await run('id', [name], { env: { ...process.env, LC_ALL: 'C' } }).catch(() => {
    throw new Failed('no_user', `there is no account '${name}' on this node`);
  });
  const uid = /uid=(\d+)/.exec(stdout)?.[1];
  const gid = /gid=(\d+)/.exec(stdout)?.[1];
  const groups = /groups=(.*)/.exec(stdout)?.[1] ?? '';
  if (uid === undefined || gid === undefined)
    throw new Failed('no_user', `the system does not tell the numbers of the account '${name}'`);
  if (uid === '0') throw new Failed('no_user', `'${name}' is root, and jobs never run as root`);
  return {
    name,
    uid: Number(uid),
    gid: Number(gid),
    groups: groups.split(',').flatMap((word) => /^\d+/.exec(word)?.map(Number) ?? []),
  };
}

/** The first directory on the way that the account may not enter, or undefined. */
export function firstClosed(path: string, account: Account): string | undefined {
  const parts: string[] = [];
  for (let at = path; ; at = dirname(at)) {
    parts.unshift(at);
    if (at === dirname(at)) break;
  }
  return parts.find((part) => !mayEnter(part, account));
}

function mayEnter(path: string, { uid, gid, groups }: Account): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) return false;
  if (stat.uid === uid) return (stat.mode & 0o100) !== 0;
  if (stat.gid === gid || groups.includes(stat.gid)) return (stat.mode & 0o010) !== 0;
  return (stat.mode & 0o001) !== 0;
}
