import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failed } from '../protocol/errors.ts';
import type { Note } from '../runtime/ports.ts';
import { writeFileDurably } from './disk.ts';

/** The ports on which a node has its doors. */
export type Ports = { readonly mesh: number; readonly terminals: number };

const fileOf = (run: string): string => join(run, 'ports.json');

/** Those of the node's last life; 0 for what is not known. */
export async function readPorts(run: string): Promise<Ports> {
  try {
    const { mesh, terminals } = JSON.parse(await readFile(fileOf(run), 'utf8')) as Partial<Ports>;
    return { mesh: portOf(mesh), terminals: portOf(terminals) };
  } catch {
    return { mesh: 0, terminals: 0 };
  }
}

export const keepPorts = (run: string, { mesh, terminals }: Ports): Promise<void> =>
  writeFileDurably(fileOf(run), `${JSON.stringify({ mesh, terminals })}\n`);

const portOf = (value: unknown): number =>
  Number.isInteger(value) && Number(value) > 0 && Number(value) < 65_536 ? Number(value) : 0;

/**
 * Opens a door. Where any free port will do, it is the one of the last life if it still is free:
 * workers, and terminals that were cut off, look for the node there.
 */
export async function openDoor<T>(
  wanted: number,
  before: number,
  open: (port: number) => Promise<T>,
  note: Note,
): Promise<T> {
  if (wanted !== 0 || before === 0) return open(wanted);
  try {
    return await open(before);
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    note('warn', '/links', `a new port is taken instead of ${before}: ${error.message}`);
    return open(0);
  }
}
