import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Gate } from '../../src/actors/ports.ts';
import { openGate } from '../../src/gates/gates.ts';
import type { GateWorld } from '../ports/gate.suite.ts';

/** A worker that does nothing but be there; the gate's own arguments follow it. */
export const idleWorker = ['/bin/sh', '-c', 'while :; do sleep 60; done', 'worker'];

export type LocalWorld = GateWorld & {
  readonly spool: string;
  /** The gate with other settings or another worker. */
  openWith(settings: object, workerCommand?: readonly string[]): Promise<Gate>;
  /** The ids of all processes that belong to machines of this world. */
  processes(): Promise<readonly number[]>;
};

/** All processes that have `text` in their environment. */
async function processesWith(text: string): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 1);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const environ = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
      return environ.includes(text) ? [pid] : [];
    }),
  );
  return found.flat();
}

/** A local site in a spool of its own. Its machines have the spool as their home. */
export async function localWorld(settings: object = {}): Promise<LocalWorld> {
  const spool = await mkdtemp(join(tmpdir(), 'swm-gate-'));
  const small = { clusters: 4, cpus: 6, ...settings };
  const openWith = (other: object, workerCommand: readonly string[] = idleWorker): Promise<Gate> =>
    openGate('local', {
      remote: 'local',
      settings: { ...small, ...other },
      spool,
      workerCommand,
      workerConfig: {},
      head: 'head-1',
      mesh: async () => ({ host: '127.0.0.1', port: 1 }),
      note: () => {},
      now: Date.now,
      dice: Math.random,
    });
  const processes = () => processesWith(`HOME=${spool}/`);
  const folder = join(spool, 'gates/local');
  const files = () => readdir(folder).catch(() => []);
  return {
    spool,
    openWith,
    processes,
    open: () => openWith({}),
    openSpot: () => openWith({ evictionRate: 1, evictAfterMs: 200, evictionNoticeMs: 200 }),
    run: (work) => work,
    pass: () => pause(5),
    left: async () => [...(await files()), ...(await processes()).map((pid) => `process ${pid}`)],
    async close() {
      const gate = await openWith({});
      const { signal } = new AbortController();
      for (const { externalId } of await gate.list(signal)) await gate.remove(externalId, signal);
      await rm(spool, { recursive: true, force: true });
    },
  };
}

/** Asks until it is so, for at most ten seconds. */
export async function eventually(what: string, so: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 10_000;
  while (!(await so())) {
    if (performance.now() > end) throw new Error(`it did not come to be that ${what}`);
    await pause(10);
  }
}
