import { Failed } from '../protocol/errors.ts';
import type { JobView } from '../protocol/model.ts';
import type { Played } from './demo-job.ts';
import type { Stage } from './demo-stage.ts';
import { parseWords, topWords } from './demo-text.ts';
import { table } from './table.ts';

const SHOWN = 10;

/** Shows what the job found, held against a count made here, and how long each phase of it took. */
export function tell(stage: Stage, { job, output, page }: Played, text: string): void {
  const words = parseWords(output);
  const right = topWords(text, words.length);
  if (words.length === 0 || JSON.stringify(words) !== JSON.stringify(right))
    throw new Failed('refused', `the job counted otherwise than we did:\n${output}`);
  if (page !== output) throw new Failed('refused', 'the page is not what the output file holds');
  stage.step('check', 'the file, the page, and a count made here say the same');

  stage.heading('the most frequent words');
  const most = words[0]!.count;
  const columns = [
    { title: 'COUNT', of: ({ count }: { count: number }) => String(count), right: true },
    { title: 'WORD', of: ({ word }: { word: string }) => word },
    { title: '', of: ({ count }: { count: number }) => stage.bar(count / most) },
  ];
  print(stage, table(columns, words.slice(0, SHOWN), stage.screen.columns));

  stage.heading('the life of the job');
  print(stage, timeline(stage, job));
}

function timeline(stage: Stage, { timeline: marks }: JobView): readonly string[] {
  const begin = marks[0]?.at ?? 0;
  const end = marks.at(-1)?.at ?? begin;
  const rows = marks.slice(0, -1).map(({ at, what }, index) => {
    const ms = marks[index + 1]!.at - at;
    return { what, at: at - begin, ms };
  });
  type Row = (typeof rows)[number];
  const columns = [
    { title: 'PHASE', of: ({ what }: Row) => what },
    { title: 'FROM', of: ({ at }: Row) => `${at} ms`, right: true },
    { title: 'FOR', of: ({ ms }: Row) => `${ms} ms`, right: true },
    { title: '', of: ({ ms }: Row) => stage.bar(ms / Math.max(1, end - begin)) },
  ];
  return table(columns, rows, stage.screen.columns);
}

const print = ({ screen }: Stage, [head, ...lines]: readonly string[]): void => {
  screen.print(`  ${screen.paint('dim', head ?? '')}`);
  for (const line of lines) screen.print(`  ${line}`);
};
