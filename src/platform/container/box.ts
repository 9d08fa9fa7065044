import type { Container, ContainerCreateOptions, ContainerInspectInfo } from 'dockerode';
import { limits } from '../../protocol/limits.ts';
import { type Engine, statusOf } from './engine.ts';

/**
 * The container of one attempt, by its name, whether there is one or not. All but `wait` ends
 * within `limits.engineMs`; what an engine answers but yes and "already so" is thrown.
 */
export type Box = {
  look(): Promise<ContainerInspectInfo | undefined>;
  /** One that is there by that name is left as it is. */
  make(options: ContainerCreateOptions): Promise<void>;
  start(): Promise<void>;
  /** Resolves once it does not run, or may not run. */
  wait(): Promise<void>;
  kill(): Promise<void>;
  /** With the volumes that nobody has named; also what runs. */
  remove(): Promise<void>;
};

export function boxOf({ docker }: Engine, name: string, closing: AbortSignal): Box {
  const container: Container = docker.getContainer(name);
  const soon = () => ({
    abortSignal: AbortSignal.any([closing, AbortSignal.timeout(limits.engineMs)]),
  });
  return {
    look: () => unless([404], () => container.inspect(soon())),
    make: (options) =>
      unless([409], async () => void (await docker.createContainer({ ...options, ...soon() }))),
    start: () => unless([304], async () => void (await container.start(soon()))),
    wait: () => unless([404], async () => void (await container.wait({ abortSignal: closing }))),
    kill: async () => {
      try {
        await container.kill(soon());
      } catch (error) {
        // That there is nothing to kill any more is told in many ways.
        if (statusOf(error) === undefined) throw error;
      }
    },
    remove: () =>
      unless([404], async () => void (await container.remove({ force: true, v: true, ...soon() }))),
  };
}

/** Undefined where the engine answers by one of these. */
async function unless<T>(
  statuses: readonly number[],
  ask: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (statuses.includes(statusOf(error) ?? 0)) return undefined;
    throw error;
  }
}
