import { failure } from '../../protocol/errors.ts';
import { type Families, family } from '../../runtime/family.ts';
import { pool } from '../../runtime/pool.ts';
import { keeping } from './keeping.ts';
import { repute } from './repute.ts';

/** What sites are known for; `reputes` is their pool. */
export const forReputes: Families = {
  reputes: family({
    behaviour: pool,
    hears: [],
    tasks: {},
    pool: {
      family: 'repute',
      openedBy: ['repute.tried'],
      unknown: (name) => failure('not_found', `nothing is known of a site ${name}`),
    },
  }),
  repute: family({
    behaviour: repute,
    hears: ['repute.tried'] as const,
    tasks: {},
    keeping,
    rests: () => true,
  }),
};
