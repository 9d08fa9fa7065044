import type { Socket } from 'node:net';
import { type Being, find } from './being.ts';
import type { Fence } from './fence.ts';

/** What a slot says of the attempt that it runs; those with a star end it, and free the slot. */
export type SlotNews =
  | { readonly is: 'pid'; readonly pid: number; readonly at: number }
  | { readonly is: 'failed'; readonly step: string; readonly errno: number }
  /** The process has ended, its rest is dead and the exit line written. * */
  | {
      readonly is: 'exit';
      readonly code: number;
      readonly signal: number;
      readonly outOfMemory: boolean;
      readonly at: number;
    }
  /** Another slot, of an earlier life, or a tombstone came first; the record tells. * */
  | { readonly is: 'taken' }
  /** The record could not be written. * */
  | { readonly is: 'broken'; readonly errno: number }
  /** The slot itself is gone; the process may live. * */
  | { readonly is: 'gone' };

/** A process, one of the keeper's, that runs one attempt after the other. */
export type Slot = {
  readonly id: string;
  readonly socket: Socket;
  readonly being: Being;
  readonly fence: Fence | undefined;
  /** Hears of the attempt that runs; undefined while the slot is free. */
  hears: ((news: SlotNews) => void) | undefined;
  freeSince: number;
  /** How many attempts it has run. */
  runs: number;
};

/** Fields on their way to a process of ours: none may hold a NUL. */
export function frame(fields: readonly string[]): Buffer {
  const text = fields.join('\0');
  return Buffer.from(`${Buffer.byteLength(text)}\n${text}`);
}

/** Gives each whole line that comes in, and later the end of them. */
export function hearLines(socket: Socket, line: (text: string) => void): void {
  let rest = '';
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const each of lines) line(each);
  });
}

/** A line of a slot that runs an attempt. */
export function slotNews(line: string): SlotNews | undefined {
  const [word, first = '', second = '', third, fourth] = line.split(' ');
  switch (word) {
    case 'pid':
      return { is: 'pid', pid: Number(first), at: Number(second) };
    case 'failed':
      return { is: 'failed', step: first, errno: Number(second) };
    case 'exit':
      return {
        is: 'exit',
        code: Number(first),
        signal: Number(second),
        outOfMemory: third === '1',
        at: Number(fourth),
      };
    case 'taken':
      return { is: 'taken' };
    case 'broken':
      return { is: 'broken', errno: Number(first) };
    default:
      return undefined;
  }
}

/** A slot's hello, once it has said it. */
export function hello(line: string): { id: string; being: Being; fenced: boolean } | undefined {
  const [word, id = '', pid, start, fenced] = line.split(' ');
  const being = { pid: Number(pid), from: Number(start), to: Number(start) };
  return word === 'hello' && find(being) ? { id, being, fenced: fenced === '1' } : undefined;
}
