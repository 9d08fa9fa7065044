import type { JobSpec } from './spec.ts';

type Asked = Pick<JobSpec, 'nodes' | 'ports'>;

/** Why a container of such a job has its node's network; '': it gets one of its own. */
export function sharesNetwork({ nodes, ports }: Asked): string {
  if (nodes > 1) return 'it has several nodes';
  return ports.some(({ direction }) => direction === 'out') ? 'it has `out` ports' : '';
}
