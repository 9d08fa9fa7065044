import { readFile } from 'node:fs/promises';
import { Usage } from './exits.ts';
import { reasonOf } from './inputs.ts';

/** The bytes of a file that the command line names; of stdin for `-`, until it is too much. */
export async function readGiven(file: string, bytesMax: number): Promise<Uint8Array> {
  try {
    return file === '-' ? await readStdin(bytesMax) : await readFile(file);
  } catch (error) {
    throw new Usage(`swm: ${file}: ${reasonOf(error as NodeJS.ErrnoException)}`);
  }
}

async function readStdin(bytesMax: number): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of process.stdin) {
    parts.push(part as Buffer);
    bytes += (part as Buffer).length;
    if (bytes > bytesMax) break;
  }
  return Buffer.concat(parts);
}
