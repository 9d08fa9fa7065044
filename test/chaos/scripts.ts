import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Dice } from '../sim/dice.ts';

/** A job, and what must come of it. */
export type Script = {
  readonly key: string;
  readonly text: string;
  /** What its log has in the end, unless it is cancelled. */
  readonly log: string;
  readonly exitcode: number;
};

/** A start or an end of one process of a job, as it wrote it itself. */
export type Mark = { readonly what: 'begin' | 'end'; readonly attempt: number };

/** Where each job writes when it begins and when it ends, whatever swm thinks of it. */
export type Marks = {
  /** Makes the file of a job, which any account may write to. */
  make(key: string): string;
  of(key: string): readonly Mark[];
};

export function openMarks(home: string): Marks {
  const folder = join(home, 'marks');
  mkdirSync(folder);
  chmodSync(folder, 0o711);
  return {
    make(key) {
      const path = join(folder, key);
      writeFileSync(path, '');
      chmodSync(path, 0o666);
      return path;
    },
    of: (key) =>
      readFileSync(join(folder, key), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => {
          const [what, , attempt] = line.split(' ');
          return { what: what as Mark['what'], attempt: Number(attempt) };
        }),
  };
}

/** Most are over at once; some go on for seconds and write all the while; some write much. */
export function drawScript(dice: Dice, key: string, marks: Marks): Script {
  const kind = dice.pick(['quick', 'quick', 'quick', 'loud', 'long'] as const);
  const exitcode = dice.pick([0, 0, 3, 77]);
  const steps = kind === 'quick' ? 1 : kind === 'loud' ? 400 : dice.between(10, 20);
  const pause = kind === 'long' ? 'sleep 0.2' : ':';
  const lines = Array.from({ length: steps }, (_, at) => `${at} of ${steps} of ${key}\n`);
  const mark = (what: Mark['what']) =>
    `echo "${what} $SWM_RANK $SWM_ATTEMPT $$" >>${marks.make(key)}`;
  const text = [
    '#!/bin/sh',
    `#SWM name ${key}`,
    mark('begin'),
    'i=0',
    `while [ $i -lt ${steps} ]; do echo "$i of ${steps} of ${key}"; ${pause}; i=$((i+1)); done`,
    mark('end'),
    `exit ${exitcode}`,
    '',
  ].join('\n');
  return { key, text, log: lines.join(''), exitcode };
}
