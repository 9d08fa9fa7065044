import { limits } from '../../protocol/limits.ts';
import { type Body, message } from '../../protocol/messages.ts';
import { control } from '../../protocol/ref.ts';
import type { Millis } from '../../runtime/ports.ts';
import { rateOf } from '../price.ts';
import { type Cluster, type ClusterEffect, type ClusterStep, release, stay } from './cluster.ts';
import { isKept } from './keep.ts';

/** What a cluster costs is on its job's account, from its claim until it is gone, idle or not. */

/** The key of the question to the account; no node has this name. */
export const CHARGE = '/charge';

/** An account that can have a budget bears a name of this form. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

export const isCharged = (account: string): boolean => NAME.test(account);

/** Begins the charge, or ends it at the moment that it was gone. */
export function charge(state: Cluster, until: Millis): ClusterEffect {
  const { account, name: cluster, life, createdAt: since, made, members } = state;
  const { perHour, unitMs } = rateOf({ made, nodes: members.map((m) => m.name) });
  const body = { account, cluster, life, since, until, perHour, unitMs };
  return {
    do: 'ask',
    to: control(`/accounts/${account}`),
    ms: limits.claimMs,
    key: CHARGE,
    message: message('account.charge', body),
  };
}

/** Its account is over its budget: whoever holds it is to end, and at last it goes. */
export function overspent(
  state: Cluster,
  { life, failure, final }: Body<'cluster.overspent'>,
  now: Millis,
): ClusterStep {
  const isThere = state.phase !== 'releasing' && state.phase !== 'gone';
  if (life !== state.life || !isThere) return stay(state);
  if (final || isKept(state)) return [release(state, now, failure), []];
  const told = state.holds.map(
    ({ job, attempt }): ClusterEffect => ({
      do: 'tell',
      to: control(`/jobs/${job}`),
      message: message('job.overspent', { job, attempt, failure }),
    }),
  );
  return [state, told];
}
