import { resolve } from 'node:path';
import type { HeadPorts } from '../actors/families.ts';
import { keyPlaces } from '../platform/key-files.ts';
import { notifyKey } from '../platform/notify-key.ts';
import type { NotifyRules } from '../platform/notify-rules.ts';
import { openPoster } from '../platform/poster.ts';
import { VERSION } from '../version.ts';
import type { HeadParts } from './lent.ts';

/** What it takes to tell others of jobs. Heads have the key at one place, or where they say. */
export function notifyPorts(
  { config, spool, keys }: HeadParts,
  rules: NotifyRules,
): Pick<HeadPorts, 'checkNotify' | 'post'> {
  const { keyFile } = config.notify;
  const path = resolve(spool.path, keyFile || keyPlaces(spool.path).notify);
  const key = () => notifyKey(path, () => keys.authority().key);
  const { check, post } = openPoster({
    rules,
    key,
    agent: `swm/${VERSION}`,
  });
  return { checkNotify: check, post };
}
