import { execFile } from 'node:child_process';
import { limits } from '../protocol/limits.ts';

/** A process that uses a graphics processor, which may be several rows. */
export type GpuRow = {
  readonly pid: number;
  readonly gpu: string;
  readonly memBytes: number;
  /** How busy that processor is, whoever keeps it so. */
  readonly utilPercent: number;
};
export type GpuTable = readonly GpuRow[];

const FRESH_MS = 2_000;

/**
 * What `nvidia-smi` tells, by the last time that it was asked: null while nothing is known. Asking
 * begins with the first reader, and none waits for it.
 */
export function gpuTable(command = 'nvidia-smi', now = () => performance.now()) {
  let rows: GpuTable | null = null;
  let readAt = Number.NEGATIVE_INFINITY;
  let isAsking = false;
  const ask = async (): Promise<void> => {
    const [busy, apps] = await Promise.all([
      lines(command, '--query-gpu=uuid,utilization.gpu'),
      lines(command, '--query-compute-apps=pid,gpu_uuid,used_memory'),
    ]);
    const utils = new Map(busy.map(([gpu = '', util]) => [gpu, numberOf(util)]));
    rows = apps.map(([pid, gpu = '', mebibytes]) => ({
      pid: numberOf(pid),
      gpu,
      memBytes: numberOf(mebibytes) * 2 ** 20,
      utilPercent: utils.get(gpu) ?? 0,
    }));
    readAt = now();
  };
  return (): GpuTable | null => {
    const age = now() - readAt;
    if (age > FRESH_MS && !isAsking) {
      isAsking = true;
      ask()
        .catch(() => {})
        .finally(() => {
          isAsking = false;
        });
    }
    return age > limits.gpuMs ? null : rows;
  };
}

/** Some machines say `[N/A]`. */
const numberOf = (text = ''): number => (/^\d+(\.\d+)?$/.test(text) ? Number(text) : 0);

const lines = (command: string, query: string): Promise<readonly (readonly string[])[]> =>
  new Promise((resolve, reject) =>
    execFile(
      command,
      [query, '--format=csv,noheader,nounits'],
      { timeout: limits.gpuMs, killSignal: 'SIGKILL' },
      (error, stdout) =>
        error === null
          ? resolve(
              stdout
                .split('\n')
                .filter(Boolean)
                .map((line) => line.split(',').map((word) => word.trim())),
            )
          : reject(error),
    ),
  );
