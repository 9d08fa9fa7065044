import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobRow } from '../../src/protocol/model.ts';
import type { Dev } from './lab.ts';
import { file } from './lab.ts';

/**
 * A job that says who it is, goes on until it is told, and ends with 3. It counts its starts in a
 * file that every account may write, so that a second one cannot hide.
 */
export type Waiter = {
  readonly script: string;
  /** Lets it end. */
  go(): Promise<void>;
  /** How often it was started, ever. */
  starts(): Promise<number>;
};

export async function waiter(home: string, ...directives: readonly string[]): Promise<Waiter> {
  const name = `waiter-${crypto.randomUUID()}`;
  const starts = await file(join(home, `${name}.starts`), '', 0o666);
  const gate = join(home, `${name}.go`);
  const script = [
    '#!/bin/sh',
    ...directives.map((each) => `#SWM ${each}`),
    `echo x >>${starts}`,
    'echo "begin $$"',
    `while [ ! -e ${gate} ]; do sleep 0.05; done`,
    'echo "end $$"',
    'exit 3',
    '',
  ].join('\n');
  return {
    script,
    go: async () => void (await file(gate, '')),
    starts: async () => (await readFile(starts, 'utf8')).length / 2,
  };
}

/** Waits until it runs and has said so, and gives its process. */
export async function pidOf(node: Dev, id: string): Promise<number> {
  await node.until(id, (job) => job.phase === 'running');
  let pid: number | undefined;
  for await (const bytes of node.client.follow(id)) {
    pid = Number(/begin (\d+)\n/.exec(Buffer.from(bytes).toString())?.[1]);
    if (pid > 0) break;
  }
  if (pid === undefined) throw new Error(`job ${id} said nothing`);
  return pid;
}

export const logOf = async (node: Dev, id: string): Promise<string> => {
  const parts: Uint8Array[] = [];
  for await (const bytes of node.client.follow(id, { follow: false })) parts.push(bytes);
  return Buffer.concat(parts).toString();
};

export const isEnded = (job: JobRow): boolean => job.phase === 'ended';
