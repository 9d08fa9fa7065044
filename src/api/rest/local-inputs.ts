import type { FastifyRequest } from 'fastify';
import { isLoopback } from '../../platform/addresses.ts';
import { findInputs, type Input } from '../../platform/input-files.ts';
import type { LocalDisk } from '../../platform/process/local-disk.ts';
import type { BlobStore } from '../../platform/transfer.ts';
import { Failed } from '../../protocol/errors.ts';
import { parseScript } from '../../protocol/jobscript/jobscript.ts';
import type { File } from '../../protocol/model.ts';
import type { Routes } from './rest.ts';

/**
 * The input files of a script that came without them, from this machine's own disk: of users who
 * have an account here, and who ask from here. None: nobody is read for, and the script is judged
 * by what came with it.
 */
export async function localInputs(
  { setup, userOf, goneOf }: Routes,
  request: FastifyRequest,
  script: string,
): Promise<File[]> {
  const { localDisk } = setup;
  const parsed = parseScript(script, 'script');
  if (localDisk === undefined || 'errors' in parsed || parsed.spec.inputFiles.length === 0)
    return [];
  if (!isLoopback(request.raw.socket.remoteAddress ?? '')) return [];
  const user = userOf(request);
  const disk = await localDisk(user.id, goneOf(request));
  if (disk === undefined) return [];
  try {
    const inputs = await findInputs(parsed.spec.inputFiles, disk);
    for (const input of inputs) await keep(disk, setup.blobs(user), input);
    return inputs.map(({ file }) => file);
  } finally {
    disk.close();
  }
}

/** What changes between the two times that it is read is not what was summed up, and refused. */
async function keep(disk: LocalDisk, blobs: BlobStore, { from, file }: Input): Promise<void> {
  const writer = await blobs.writer(file.sha256, file.bytes);
  try {
    let there = writer.offset;
    if (there < file.bytes)
      for await (const chunk of disk.read(from)) {
        const news = chunk.subarray(Math.min(there, chunk.length));
        there -= chunk.length - news.length;
        if (news.length > 0) await writer.write(news);
      }
    await writer.finish();
  } catch (error) {
    const isOther = error instanceof Failed && error.failure.code === 'input_corrupt';
    if (!isOther) throw error;
    throw new Failed('missing_input', `input-files: ${from}: it changed while it was read`, true);
  } finally {
    await writer.abandon();
  }
}
