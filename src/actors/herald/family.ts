import { failure } from '../../protocol/errors.ts';
import { type Families, family } from '../../runtime/family.ts';
import { pool } from '../../runtime/pool.ts';
import { herald } from './herald.ts';
import { keeping } from './keeping.ts';
import { type HeraldPorts, heraldTasks } from './tasks.ts';

/** Who tells the receivers that jobs name of their changes. */
export const forHeralds = (ports: HeraldPorts): Families => ({
  heralds: family({
    behaviour: pool,
    hears: [],
    tasks: {},
    pool: {
      family: 'herald',
      openedBy: ['herald.tell'],
      unknown: (job) => failure('not_found', `nobody is told of job ${job}`),
    },
  }),
  herald: family({
    behaviour: herald,
    hears: ['herald.tell', 'herald.forget'] as const,
    tasks: heraldTasks(ports),
    keeping,
    rests: ({ phase }) => phase === 'idle',
  }),
});
