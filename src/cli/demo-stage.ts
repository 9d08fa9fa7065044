import { harmless, openScreen, type Screen } from './screen.ts';
import { size } from './words.ts';

/** Who a line is about. */
export type Actor = 'head' | 'job' | 'cluster' | 'node' | 'upload' | 'port' | 'download' | 'check';

/** Where the demo shows what happens: a line a step, and a bar that fills while files move. */
export type Stage = {
  readonly screen: Screen;
  heading(text: string): void;
  /** A line, with the seconds since the start. */
  step(actor: Actor, text: string): void;
  /** A line that one of the job's processes printed. */
  said(rank: number, text: string): void;
  /** Draws the bar anew; nothing where nobody looks. */
  moving(actor: Actor, what: string, share: number): void;
  /** A step that had a bar. */
  moved(actor: Actor, text: string): void;
  /** A bar of its share of the width, for tables; '' where nobody looks. */
  bar(share: number): string;
};

const ACTOR_WIDTH = 10;
const BAR_WIDTH = 20;

export function openStage(): Stage {
  const screen = openScreen(false);
  const { paint } = screen;
  const start = (actor: string): string =>
    `${paint('dim', `${seconds()} s`.padStart(8))}  ${paint('bold', actor.padEnd(ACTOR_WIDTH))}`;
  const step = (actor: string, text: string): void => screen.print(`${start(actor)}${text}`);
  const bar = (share: number): string => (screen.isTerminal ? barOf(share) : '');
  return {
    screen,
    step,
    bar,
    heading: (text) => screen.print(`\n${paint('bold', text)}`),
    said: (rank, text) => step(`rank ${rank}`, paint('blue', `| ${harmless(text)}`)),
    moving: (actor, what, share) =>
      screen.status(
        `${seconds().padStart(6)} s  ${actor.padEnd(ACTOR_WIDTH)}${barOf(share)} ` +
          `${percent(share)}  ${what}`,
      ),
    moved: (actor, text) =>
      step(actor, screen.isTerminal ? `${paint('green', barOf(1))} ${text}` : text),
  };
}

/** Since this process was started. */
const seconds = (): string => (performance.now() / 1000).toFixed(1);

function barOf(share: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * BAR_WIDTH);
  return '█'.repeat(full) + '░'.repeat(BAR_WIDTH - full);
}

const percent = (share: number): string => `${Math.floor(share * 100)} %`.padStart(5);

/** How much was moved, and how fast. */
export function speed(bytes: number, sinceMs: number): string {
  const ms = Math.max(1, performance.now() - sinceMs);
  return `${size(bytes)} in ${(ms / 1000).toFixed(2)} s`;
}
