import { ID, type Row } from './row.ts';

const TWO_PARTS = '`01:30` may be minutes or hours; write 00:01:30 or 01:30:00';

/** When a job runs, how often, and what becomes of it. */
export const life = {
  array: {
    good: [
      ['0-99', { array: { first: 0, last: 99, step: 1, limit: 0 } }],
      ['1-10:3%2', { array: { first: 1, last: 10, step: 3, limit: 2 } }],
      ['7-7', { array: { first: 7, last: 7, step: 1, limit: 0 } }],
      ['1-1000000', { array: { first: 1, last: 1_000_000, step: 1, limit: 0 } }],
    ],
    bad: [
      ['5', '1:12: `array`: wants A-B[:STEP][%LIMIT], such as 1-100 or 0-99:3%10, not `5`'],
      ['9-1', '1:14: `array`: the array ends at 1, before its begin'],
      ['1-9:0', '1:16: `array`: a step is at least 1'],
      ['1-9%0', '1:16: `array`: a limit is at least 1'],
      ['0-1000000', '1:12: `array`: the array has 1000001 tasks; at most 1000000 may be'],
      ['0-2147483648:9999999', '1:14: `array`: an index is at most 2147483647'],
    ],
  },
  after: {
    good: [
      [ID, { after: [{ when: 'after', jobs: [ID] }] }],
      [
        `${ID.toUpperCase()}\n#SWM after 0197F3A2\n#SWM after-ok ${ID}`,
        {
          after: [
            { when: 'after', jobs: [ID, '0197f3a2'] },
            { when: 'after-ok', jobs: [ID] },
          ],
        },
      ],
    ],
    bad: [
      ['', '1:6: `after`: needs ID…'],
      ['12', '1:12: `after`: wants the id of a job, or its first 8 digits, not `12`'],
      [`${ID} ${ID}`, `1:49: \`after\`: \`${ID}\` was given already, at job.sh:1:12`],
    ],
  },
  'after-ok': {
    good: [[ID, { after: [{ when: 'after-ok', jobs: [ID] }] }]],
    bad: [['ok', '1:15: `after-ok`: wants the id of a job, or its first 8 digits, not `ok`']],
  },
  'after-not-ok': {
    good: [[ID, { after: [{ when: 'after-not-ok', jobs: [ID] }] }]],
    bad: [['x', '1:19: `after-not-ok`: wants the id of a job, or its first 8 digits, not `x`']],
  },
  'after-any': {
    good: [[ID, { after: [{ when: 'after-any', jobs: [ID] }] }]],
    bad: [['*', '1:16: `after-any`: wants the id of a job, or its first 8 digits, not `*`']],
  },
  retries: {
    good: [['3', { retries: 3 }]],
    bad: [['101', '1:14: `retries`: wants a whole number from 0 to 100, not `101`']],
  },
  'on-node-loss': {
    good: [
      ['requeue', { onNodeLoss: 'requeue' }],
      ['WAIT', {}],
    ],
    bad: [
      ['', '1:6: `on-node-loss`: needs wait|requeue'],
      ['retry', '1:19: `on-node-loss`: wants wait or requeue, not `retry`'],
      ['requeue now', '1:27: `on-node-loss`: takes one value; `now` is one too many'],
    ],
  },
  ranks: {
    good: [
      ['main', { ranks: 'main' }],
      ['All', {}],
    ],
    bad: [
      ['', '1:6: `ranks`: needs main|all'],
      ['first', '1:12: `ranks`: wants main or all, not `first`'],
    ],
  },
  budget: {
    good: [
      ['12.5', { budget: 12.5 }],
      ['1000000000000', { budget: 1e12 }],
      ['0.000001', { budget: 0.000001 }],
    ],
    bad: [
      ['', '1:6: `budget`: needs AMOUNT'],
      ['0', '1:13: `budget`: wants a number above 0, such as 12.50, not `0`'],
      ['-3', '1:13: `budget`: wants a number above 0, such as 12.50, not `-3`'],
      ['1e3', '1:13: `budget`: wants a number above 0, such as 12.50, not `1e3`'],
      [
        '9999999999999',
        '1:13: `budget`: wants a number above 0, such as 12.50, not `9999999999999`',
      ],
      ['5 EUR', '1:15: `budget`: takes one value; `EUR` is one too many'],
    ],
  },
  'max-price': {
    good: [['0.25', { maxPrice: 0.25 }]],
    bad: [
      ['', '1:6: `max-price`: needs AMOUNT'],
      ['0', '1:16: `max-price`: wants a number above 0, such as 12.50, not `0`'],
    ],
  },
  deadline: {
    good: [
      ['6h', { deadlineMs: 21_600_000 }],
      ['1-00:00:00', { deadlineMs: 86_400_000 }],
    ],
    bad: [
      ['', '1:6: `deadline`: needs TIME'],
      ['0', '1:15: `deadline`: wants 1s to 366d, not `0`'],
    ],
  },
  hold: {
    good: [['', { hold: true }]],
    bad: [['no', '1:11: `hold`: takes no value, but has `no`']],
  },
  slurm: {
    good: [['', { slurm: true }]],
    bad: [['yes', '1:12: `slurm`: takes no value, but has `yes`']],
  },
  preemptible: {
    good: [['', { preemptible: true }]],
    bad: [['yes', '1:18: `preemptible`: takes no value, but has `yes`']],
  },
  relocatable: {
    good: [['  ', { relocatable: true }]],
    bad: [['no', '1:18: `relocatable`: takes no value, but has `no`']],
  },
  'keep-resources': {
    good: [['', { keepResources: true }]],
    bad: [['1', '1:21: `keep-resources`: takes no value, but has `1`']],
  },
  checkpoint: {
    good: [
      ['', { checkpoint: true }],
      ['dmtcp', { checkpoint: true }],
      ['MANA', { checkpoint: true }],
    ],
    bad: [
      ['dmpct', '1:17: `checkpoint`: wants dmtcp or mana, not `dmpct`'],
      ['dmtpc', '1:17: `checkpoint`: wants dmtcp or mana, not `dmtpc`; did you mean `dmtcp`?'],
    ],
  },
  'checkpoint-dir': {
    good: [['/mnt/blob/ckpt/$SWM_JOB_ID', { checkpointDir: '/mnt/blob/ckpt/$SWM_JOB_ID' }]],
    bad: [['/mnt/../etc', '1:21: `checkpoint-dir`: `/mnt/../etc` leads up by ..']],
  },
  'checkpoint-interval': {
    good: [
      ['300', { checkpointIntervalMs: 300_000 }],
      ['0', {}],
    ],
    bad: [
      ['367d', '1:26: `checkpoint-interval`: wants 0s to 366d, not `367d`'],
      ['01:30', `1:26: \`checkpoint-interval\`: ${TWO_PARTS}`],
    ],
  },
  'checkpoint-signal': {
    good: [
      ['usr1', {}],
      ['USR2', { checkpointSignal: 'usr2' }],
      ['term', { checkpointSignal: 'term' }],
    ],
    bad: [
      ['', '1:6: `checkpoint-signal`: needs usr1|usr2|hup|int|term'],
      ['kill', '1:24: `checkpoint-signal`: wants usr1 or usr2 or hup or int or term, not `kill`'],
      ['usr1 2', '1:29: `checkpoint-signal`: takes one value; `2` is one too many'],
    ],
  },
} satisfies Record<string, Row>;
