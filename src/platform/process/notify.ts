import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import type { JobSignal } from '../../actors/ports.ts';
import { type Being, bootId, descendants, lives, look, signal } from './being.ts';
import type { Told } from './record.ts';

/**
 * Tells the main process of an attempt by a signal, if its record says that it runs and it handles
 * that signal. One that has not yet said how it would take it, as a script before its `trap`,
 * would die of it. In a container the first process is an init, and its first child is the script.
 */
export function notify(told: Told, name: JobSignal): boolean {
  if (told.is !== 'running' || told.done !== undefined || told.boot !== bootId()) return false;
  const sent = `SIG${name.toUpperCase()}` as NodeJS.Signals;
  const main = told.contained ? firstOf(told.main) : told.main;
  if (main === undefined) return false;
  // Looked at in this order: what handles it by that number is the very process that lives then.
  const isHeard = handles(main, constants.signals[sent]) && lives(main) && lives(told.main);
  return isHeard && signal(main.pid, sent);
}

/** Of those that have this parent, the one that began first. */
function firstOf(init: Being): Being | undefined {
  const own = descendants(init.pid)
    .flatMap((pid) => look(pid) ?? [])
    .filter(({ parent }) => parent === init.pid)
    .sort((a, b) => a.start - b.start);
  const [first] = own;
  return first && { pid: first.pid, from: first.start, to: first.start };
}

/** Whether it catches the signal, or blocks it, as one does that waits for it. */
function handles({ pid }: Being, number: number): boolean {
  let status: string;
  try {
    status = readFileSync(`/proc/${pid}/status`, 'latin1');
  } catch {
    return false;
  }
  const bit = 1n << BigInt(number - 1);
  const has = (mask: string): boolean => {
    const [, hex = '0'] = new RegExp(`^${mask}:\\s*([0-9a-f]+)$`, 'm').exec(status) ?? [];
    return (BigInt(`0x${hex}`) & bit) !== 0n;
  };
  return has('SigCgt') || has('SigBlk');
}
