import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lead } from '../actors/lead.ts';
import type { Config } from '../config.ts';
import { writeFileDurably } from '../platform/disk.ts';
import type { Links } from '../platform/links.ts';
import { openReplicaDisk } from '../platform/replica/disk.ts';
import type { ReplicaDisk } from '../platform/replica/ports.ts';
import type { Spool } from '../platform/spool.ts';
import { isStore } from '../platform/store-files.ts';
import type { Hub } from '../platform/streams.ts';
import { Failed, type Failure } from '../protocol/errors.ts';
import type { Message } from '../protocol/messages.ts';
import type { Change, Clock, Note } from '../runtime/ports.ts';
import type { HeadKeys } from './enrol.ts';
import { raftEnvelope } from './raft-wire.ts';
import { type Council, takeSeat } from './seat.ts';
import { fetchSnapshot } from './snapshots.ts';

export type CouncilSetup = {
  readonly spool: Spool;
  readonly config: Config;
  readonly keys: HeadKeys;
  readonly clock: Clock;
  readonly note: Note;
  readonly links: Links;
  readonly hubOf: (head: string) => Hub | undefined;
  /** Puts a question to an actor of the leader. */
  readonly ask: (path: string, question: Message) => Promise<object>;
  /** Another head leads, or none, or this one in another term. */
  readonly onLead: (lead: Lead, before: Lead) => void;
  /** This head leads, and has all that was decided; or it leads no more. */
  readonly onLeading: () => void;
  readonly onApplied: (changes: readonly Change[]) => void;
  /** All records may be others: a snapshot took their place. */
  readonly onReplaced: () => void;
  /** The list of heads is another one, or was read anew. */
  readonly onHeads: () => void;
  readonly onBroken: (reason: Failure) => void;
};

/** Takes this head's place in its group. What it learns is told by the callbacks of `setup`. */
export async function openCouncil(setup: CouncilSetup): Promise<Council> {
  const { links } = setup;
  return takeSeat({
    ...setup,
    disk: await openDisk(setup),
    self: setup.config.name,
    monotonic: () => performance.now(),
    dice: Math.random,
    later: (then) => process.nextTick(then),
    send: (to, said) => links.wire.send(to, raftEnvelope(said)),
    fetchSnapshot: (from, offer) => fetchSnapshot(setup, from, offer),
  });
}

/**
 * Opens what this head keeps. One that was in a group and lost it must not come back under its
 * name with nothing: it has promised to remember.
 */
async function openDisk(setup: CouncilSetup): Promise<ReplicaDisk> {
  const { spool, config, keys, onBroken } = setup;
  const mark = join(spool.places.node, 'keeps-log');
  if (existsSync(mark) && !isStore(spool.places.controlStore))
    throw new Failed(
      'corrupt',
      `${spool.places.controlStore} is gone, and others count on what was in it. Put a backup ` +
        `there; or, if there are other heads: \`swm head remove ${config.name}\`, and join anew ` +
        'with a new spool.',
    );
  await mkdir(spool.places.node, { recursive: true, mode: 0o700 });
  const joins = keys.joinedBy.length > 0;
  const disk = await openReplicaDisk(spool.places.controlStore, {
    self: config.name,
    joins,
    onBroken,
  });
  if (!existsSync(mark)) await writeFileDurably(mark, '', 0o600);
  return disk;
}
