import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AttemptKey } from '../../actors/ports.ts';
import { limits } from '../../protocol/limits.ts';
import type { Note } from '../../runtime/ports.ts';
import type { Attempt } from '../process/attempt.ts';
import { descendants, lives, signal } from '../process/being.ts';
import type { Containers, Tended } from '../process/contained.ts';
import type { Ways } from '../process/ending.ts';
import { readRecord } from '../process/record.ts';
import { INSTALLATION, nameOf, RECORD } from './blueprint.ts';
import { type Box, boxOf } from './box.ts';
import { claimsIn, hasClaim, removeClaim } from './claim.ts';
import { type Engine, engineFailed, engineWords, type FindEngine } from './engine.ts';
import { openNetworks, sweepNetworks } from './network.ts';
import { type Seen, step, type Tending } from './tending.ts';

export type ContainersOptions = {
  /** Of the records. */
  readonly directory: string;
  readonly find: FindEngine;
  readonly installation: string;
  readonly mark: Readonly<Record<string, string>>;
  /** Logs below this directory are swm's own, opened by it for the job. */
  readonly spool: string;
  /** Whether containers get networks of their own, where their jobs can do with one. */
  readonly network: 'own' | 'node';
  readonly note: Note;
};

export type LocalContainers = Containers & {
  /** Where an attempt's ports are reached, if not at the address of the machine. */
  addressOf(key: AttemptKey): string | undefined;
};

/** Runs what names an image, and removes what former lives have left at the engine. */
export function openContainers(options: ContainersOptions): LocalContainers {
  const { find, directory, installation, mark, spool } = options;
  const networks = options.network === 'own' ? openNetworks(find, installation) : undefined;
  const closing = new AbortController();
  const tended = new Set<Attempt>();
  const boxAt = async (record: string): Promise<Box> =>
    boxOf(await find(), nameOf(record), closing.signal);
  const insist = (act: () => Promise<void>) => retry(options.note, closing.signal, act);
  let swept: Promise<void> | undefined;
  const sweepOnce = (): Promise<void> =>
    (swept ??= insist(async () => sweep(await find(), directory, installation, closing.signal)));
  const see = async (attempt: Attempt, host: Tended, seen: Seen): Promise<void> => {
    const { rootless } = await find();
    const box = await boxAt(attempt.path);
    const known = { installation, mark, spool, rootless, networks };
    const tending: Tending = { attempt, host, box, ...known, seen };
    for (let next = 'again'; next === 'again'; ) next = await step(tending);
  };
  const tend = (attempt: Attempt, host: Tended): void => {
    if (tended.has(attempt) || closing.signal.aborted) return;
    tended.add(attempt);
    void sweepOnce();
    const seen: Seen = {};
    void insist(() => see(attempt, host, seen)).then(() => {
      tended.delete(attempt);
      // It was ordered while it was let go of.
      if (!attempt.isOver && attempt.order !== undefined) tend(attempt, host);
    });
  };
  // What has ended in a former life may have stayed there, and nobody asks for it any more.
  if (claimsIn(directory).some((record) => !isAlive(record))) void sweepOnce();
  return {
    unenforced: async ({ limits: wanted, reached }) =>
      (await find()).unenforced(wanted) + (reached && !networks ? 'n' : ''),
    addressOf: (key) => [...tended].find((attempt) => isOf(attempt, key))?.address,
    tend,
    holds: ({ path }) => hasClaim(path),
    ways: (attempt) => waysOf(attempt, () => boxAt(attempt.path)),
    close: () => closing.abort(),
  };
}

const isOf = ({ key }: Attempt, { job, attempt, rank }: AttemptKey): boolean =>
  key.job === job && key.attempt === attempt && key.rank === rank;

const isAlive = (record: string): boolean =>
  ['starting', 'running'].includes(readRecord(record).is);

/** An engine that does not answer may be starting anew. */
async function retry(note: Note, closing: AbortSignal, act: () => Promise<void>): Promise<void> {
  for (let isNoted = false; !closing.aborted; isNoted = true) {
    try {
      return await act();
    } catch (error) {
      if (closing.aborted) return;
      const why = engineWords(error);
      if (!isNoted) note('warn', 'process', 'a container cannot be seen to; trying again', { why });
      await sleep(limits.againMs, undefined, { signal: closing, ref: false }).catch(() => {});
    }
  }
}

/** A signal by the engine would reach the first process alone, which is an init. */
const waysOf = ({ path }: Attempt, box: () => Promise<Box>): Ways => ({
  terminate: () => {
    const told = readRecord(path);
    if (told.is !== 'running' || !lives(told.main)) return;
    for (const pid of descendants(told.main.pid)) signal(pid, 'SIGTERM') && signal(pid, 'SIGCONT');
  },
  kill: async (isOver) => {
    try {
      if (!isOver()) await (await box()).kill();
    } catch (error) {
      throw engineFailed(error, 'the container engine does not end it');
    }
  },
});

/**
 * Removes what belongs to no attempt any more: of this worker by its records, of others what does
 * not run and has no folder of records.
 */
async function sweep(
  engine: Engine,
  directory: string,
  installation: string,
  closing: AbortSignal,
): Promise<void> {
  const filters = { label: [`${INSTALLATION}=${installation}`] };
  for (const { Id, State, Labels } of await engine.docker.listContainers({ all: true, filters })) {
    const record = Labels[RECORD] ?? '';
    const folder = dirname(record);
    const isOver = State !== 'running' && State !== 'paused';
    const isLeft = folder === directory ? !isAlive(record) : isOver && !existsSync(folder);
    if (isLeft) await boxOf(engine, Id, closing).remove();
  }
  for (const record of claimsIn(directory)) if (!isAlive(record)) removeClaim(record);
  await sweepNetworks(engine, installation);
}
