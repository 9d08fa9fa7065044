import { limits } from '../limits.ts';
import type { Directive } from './takes.ts';

/** Rows of `directives`: how a job saves itself. */
export const checkpointDirectives = {
  checkpoint: {
    takes: { is: 'choice', field: 'checkpoint', of: ['dmtcp', 'mana'] },
    argument: '[dmtcp]',
    help: 'The job is told to save itself, and what it saves is kept for its next attempt.',
  },
  'checkpoint-dir': {
    takes: { is: 'path', field: 'checkpointDir' },
    argument: 'PATH',
    help: 'Where the job saves itself; `checkpoint` in its directory unless given.',
  },
  'checkpoint-interval': {
    takes: { is: 'time', field: 'checkpointIntervalMs', min: 0, max: limits.walltimeMsMax },
    argument: 'TIME',
    help: 'The time between two checkpoints; 0 makes them only before the job is ended.',
  },
  'checkpoint-signal': {
    takes: {
      is: 'term',
      field: 'checkpointSignal',
      of: ['usr1', 'usr2', 'hup', 'int', 'term'],
    },
    argument: 'usr1|usr2|hup|int|term',
    help: 'The signal that tells the job to save itself; USR1 unless given.',
  },
} as const satisfies Record<string, Directive>;
