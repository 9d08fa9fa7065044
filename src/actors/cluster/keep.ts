import { type Failure, failure } from '../../protocol/errors.ts';
import type { Body } from '../../protocol/messages.ts';
import type { Millis } from '../../runtime/ports.ts';
import { type Cluster, type ClusterEffect, isOpen, once } from './cluster.ts';

/** A cluster that is kept for a while after its job, for the next one of the same owner. */

/** It is whole, nobody holds it, and its time is not over. */
export const isKept = ({ made, phase, holds, keptUntil }: Cluster): boolean =>
  made !== null && phase === 'up' && holds.length === 0 && keptUntil > 0;

/** Whether what is left by the last hold is good for another; only a whole one is. */
export const mayBeKept = (state: Cluster): boolean =>
  state.phase === 'up' && state.keepMs > 0 && state.failure === null && isWhole(state);

/** All of its nodes may be given jobs. */
export const isWhole = (state: Cluster): boolean => state.members.every((m) => isOpen(state, m));

/** From here on it is nobody's until somebody claims it, or its time is over. */
export const keep = (state: Cluster, now: Millis): Cluster =>
  once(state, { holds: [], keptUntil: now + state.keepMs, tries: 0 });

/** When its time is over. */
export const enterKept = (state: Cluster, now: Millis): readonly ClusterEffect[] =>
  isKept(state) ? [{ do: 'after', ms: state.keptUntil - now, event: { is: 'late' } }] : [];

/** Why a claim cannot have what is kept, or null: somebody else may have been first. */
export function refusedKept(state: Cluster, body: Body<'cluster.claim'>): Failure | null {
  const { name, owner, account, members } = state;
  if (!isKept(state)) return failure('full', `cluster ${name} is kept no more`);
  if (owner !== body.owner || account !== (body.account ?? ''))
    return failure('full', `cluster ${name} is kept for somebody else`);
  const isUp = (node: string): boolean => members.some((m) => m.name === node && isOpen(state, m));
  const down = body.placement.nodes.find((node) => !isUp(node));
  return down === undefined ? null : failure('full', `node ${down} is not up`);
}
