import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** What the thread runs. It is text, so that it needs no file of its own where swm is one file. */
const THREAD = `
  const { createHash } = require('node:crypto');
  const { openSync, readSync } = require('node:fs');
  const { setPriority } = require('node:os');
  const { parentPort, workerData } = require('node:worker_threads');
  setPriority(0, workerData.niceness);
  const hash = createHash('sha256');
  const part = Buffer.alloc(workerData.partBytes);
  const file = openSync(workerData.path, 'r');
  for (let bytes; (bytes = readSync(file, part)) > 0; ) hash.update(part.subarray(0, bytes));
  parentPort.postMessage(hash.digest('hex'));
`;
const PART_BYTES = 1 << 20;
/** On Linux it is the thread's own: whatever else the node does goes first. */
const NICENESS = 10;

/**
 * The SHA-256 of a file, hex. A thread of its own reads it, for a file of gigabytes would keep the
 * node from all else. Throws what opening and reading throw.
 */
export async function sha256OfFile(path: string): Promise<string> {
  const workerData = { path, partBytes: PART_BYTES, niceness: NICENESS };
  const thread = new Worker(THREAD, { eval: true, workerData });
  const [digest] = await once(thread, 'message');
  return digest as string;
}
