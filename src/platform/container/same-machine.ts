import { randomUUID } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';

/**
 * Throws `Failed` for an engine that has not the files of that folder and the processes of this
 * machine: swm signals what runs in its containers. Both are asked for by files that nobody else
 * can have, one below a process: engines look for what is to be mounted before the image.
 */
export async function checkSameMachine(docker: Docker, folder: string): Promise<void> {
  const token = `swm-${randomUUID()}`;
  const [kept, shared] = [join(folder, token), join('/dev/shm', token)];
  const seen = async (path: string): Promise<boolean> =>
    (await answer(docker, path, token)) === 404;
  try {
    for (const path of [kept, shared]) writeFileSync(path, '', { mode: 0o600 });
    const isSame = (await seen(kept)) && (await seen(`/proc/${process.pid}/root${shared}`));
    if (isSame && !(await seen(`${kept}.none`))) return;
  } finally {
    for (const path of [kept, shared]) rmSync(path, { force: true });
  }
  const why = 'it does not see the files and processes of this machine';
  throw new Failed('start_failed', `the engine of containers.engine cannot be used: ${why}`);
}

/** How it refuses a container of no image with that path mounted. */
async function answer(docker: Docker, path: string, token: string): Promise<number | undefined> {
  const Mounts = [{ Type: 'bind' as const, Source: path, Target: '/seen', ReadOnly: true }];
  const abortSignal = AbortSignal.timeout(limits.engineMs);
  return docker
    .createContainer({ Image: `${token}:none`, HostConfig: { Mounts }, abortSignal })
    .then(
      () => undefined,
      (error: Error & { readonly statusCode?: number }) => {
        if (error.statusCode === undefined) throw error;
        return error.statusCode;
      },
    );
}
