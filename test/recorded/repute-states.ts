import type { Repute } from '../../src/actors/repute/repute.ts';
import { reputeSamples } from './repute-messages.ts';

/** A site that was slow, and had no more. */
export const repute1: Repute = {
  phase: 'open',
  round: 2,
  ...reputeSamples['scheduler.repute'].body,
};
