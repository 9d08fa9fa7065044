import { message } from '../../protocol/messages.ts';
import { control } from '../../protocol/ref.ts';
import type { Cluster, ClusterEffect } from './cluster.ts';

/**
 * What came of an order is told to whoever knows the site, once: that its nodes were up, or that
 * the site had no more of them. If it is lost, that is found out again.
 */
export function tried(before: Cluster, { phase, failure, ...after }: Cluster): ClusterEffect[] {
  const { made, createdAt, since } = after;
  const isOrdered = before.phase === 'creating' || before.phase === 'joining';
  if (made === null || phase === before.phase || !isOrdered) return [];
  const isRefused =
    before.phase === 'creating' && (failure?.code === 'quota' || failure?.code === 'capacity');
  if (phase !== 'up' && !(phase === 'releasing' && isRefused)) return [];
  const { remote, flavor } = made;
  const body = { remote, flavor, since: createdAt, at: since };
  return [
    {
      do: 'tell',
      to: control(`/reputes/${remote}`),
      message: message('repute.tried', { ...body, failure: phase === 'up' ? null : failure }),
    },
  ];
}
