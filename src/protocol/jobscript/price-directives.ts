import { limits } from '../limits.ts';
import type { Directive } from './takes.ts';

/** Directives of what a job may cost, and by when it is to be done. */
export const priceDirectives = {
  budget: {
    takes: { is: 'amount', field: 'budget', max: limits.budgetMax },
    argument: 'AMOUNT',
    help: 'What its clusters may cost in all, in the site’s currency; then the job is ended.',
  },
  'max-price': {
    takes: { is: 'amount', field: 'maxPrice', max: limits.budgetMax },
    argument: 'AMOUNT',
    help: 'What its cluster may cost an hour, all nodes together, in the site’s currency.',
  },
  deadline: {
    takes: { is: 'time', field: 'deadlineMs', min: 1000, max: limits.walltimeMsMax },
    argument: 'TIME',
    help: 'So long after its submit it is to have ended: it goes where it starts in time.',
  },
} as const satisfies Record<string, Directive>;
