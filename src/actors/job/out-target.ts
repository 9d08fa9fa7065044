import type { Spec } from '../../protocol/model.ts';
import type { OutTarget } from '../ways.ts';

export const hasOut = ({ ports }: Pick<Spec, 'ports'>): boolean =>
  ports.some(({ direction }) => direction === 'out');

/** `from` is an address, or `ADDRESS@HEAD` for one of a head's own machine. */
export function outTarget({ submissionAddress }: Spec, from: string): OutTarget {
  const [submitter = '', head = ''] = from.split('@');
  const asked = submissionAddress.replace(/^\[(.*)\]$/, '$1');
  return { host: asked || submitter, submitter, head };
}
