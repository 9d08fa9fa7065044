import type { DependencySpec } from './spec.ts';
import type { Directive, Takes } from './takes.ts';

const jobs = (when: DependencySpec['when']): Takes => ({ is: 'jobs', when });

/** Directives by which a job waits for others. */
export const waits = {
  after: {
    takes: jobs('after'),
    argument: 'ID…',
    help: 'Waits until these jobs have started.',
    repeatable: true,
  },
  'after-ok': {
    takes: jobs('after-ok'),
    argument: 'ID…',
    help: 'Waits until these jobs have ended well.',
    repeatable: true,
  },
  'after-not-ok': {
    takes: jobs('after-not-ok'),
    argument: 'ID…',
    help: 'Waits until these jobs have failed, or were cancelled.',
    repeatable: true,
  },
  'after-any': {
    takes: jobs('after-any'),
    argument: 'ID…',
    help: 'Waits until these jobs have ended, however.',
    repeatable: true,
  },
} as const satisfies Record<string, Directive>;
