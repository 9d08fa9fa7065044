import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { GROUP } from '../actors/group/keeping.ts';
import type { Lead } from '../actors/lead.ts';
import type { Config } from '../config.ts';
import { writeFileDurably } from '../platform/disk.ts';
import type { Links } from '../platform/links.ts';
import { openReplicaDisk } from '../platform/replica/disk.ts';
import { openReplica } from '../platform/replica/replica.ts';
import type { Replica, RoleNews } from '../platform/replica/replica-port.ts';
import type { Spool } from '../platform/spool.ts';
import { isStore } from '../platform/store-files.ts';
import type { Hub } from '../platform/streams.ts';
import { Failed, type Failure } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import { type Message, message, type Reply } from '../protocol/messages.ts';
import type { Change, Clock, Note, Store } from '../runtime/ports.ts';
import { pathOfKey } from '../runtime/record.ts';
import type { HeadKeys } from './enrol.ts';
import { readable } from './group.ts';
import { raftEnvelope } from './raft-wire.ts';
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
  /** This head leads, and has all that was decided; or it leads no more. Told once for each. */
  readonly onLeading: (leads: boolean) => void;
  readonly onApplied: (changes: readonly Change[]) => void;
  /** The list of heads is another one, or was read anew. */
  readonly onHeads: () => void;
  readonly onBroken: (reason: Failure) => void;
};

/** A head's part in the group of heads, as the rest of the node sees it. */
export type Council = {
  readonly replica: Replica;
  /** What the control tree is kept in: it commits while this head leads. */
  readonly store: Store;
  readonly lead: Lead;
  readonly leads: boolean;
  /** The voters, as far as this head knows. */
  voters(): readonly string[];
  /** Resolves once the records here hold all that anybody was told. Throws `Failed`. */
  current(): Promise<void>;
  /** Resolves once somebody leads. */
  led(): Promise<void>;
  close(): Promise<void>;
};

type Wait = { readonly index: number; readonly done: () => void };

export async function openCouncil(setup: CouncilSetup): Promise<Council> {
  const disk = await openDisk(setup);
  let lead: Lead = { leader: '', term: 0 };
  let leading: Store | undefined;
  let waits: readonly Wait[] = [];
  const someoneLeads = Promise.withResolvers<void>();

  const onRole = ({ role, leader, term, ready }: RoleNews): void => {
    const leads = role === 'leader' && ready;
    // The tree of a leader that was deposed must do nothing more, before anything else is heard.
    if (leading !== undefined && (!leads || leading.term !== term)) {
      leading = undefined;
      setup.onLeading(false);
    }
    if (leader !== lead.leader || term !== lead.term) {
      const before = lead;
      lead = { leader, term };
      setup.onLead(lead, before);
    }
    if (leads && leading === undefined) {
      leading = replica.leaderStore(term);
      setup.onLeading(true);
    }
    if (leader !== '' && (leads || leader !== setup.config.name)) someoneLeads.resolve();
  };
  const onApplied = (changes: readonly Change[]): void => {
    setup.onApplied(changes);
    if (changes.some(({ key }) => pathOfKey(key) === GROUP)) setup.onHeads();
    if (waits.length > 0) look();
  };
  const look = (): void => {
    const { applied } = replica.status();
    const done = waits.filter(({ index }) => index <= applied);
    waits = waits.filter(({ index }) => index > applied);
    for (const wait of done) wait.done();
  };
  const replica = openReplica({
    disk,
    self: setup.config.name,
    clock: setup.clock,
    monotonic: () => performance.now(),
    dice: Math.random,
    note: setup.note,
    send: (to, said) => setup.links.wire.send(to, raftEnvelope(said)),
    fetchSnapshot: (from, offer) => fetchSnapshot(setup, from, offer),
    onRole,
    onApplied,
    onReplaced: () => {
      setup.onHeads();
      look();
    },
    onBroken: setup.onBroken,
  });

  const applied = (index: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        waits = waits.filter((each) => each !== wait);
        reject(new Failed('timeout', 'this head is too far behind the leader', true));
      }, limits.callMs);
      const done = (): void => {
        clearTimeout(late);
        resolve();
      };
      const wait: Wait = { index, done };
      waits = [...waits, wait];
      look();
    });

  return {
    replica,
    store: {
      get term() {
        return lead.term;
      },
      get: (key) => replica.get(key),
      range: (range) => replica.range(range),
      commit: (changes, then) => {
        if (leading === undefined) setImmediate(then, 'unknown');
        else leading.commit(changes, then);
      },
      close: () => replica.close(),
    },
    get lead() {
      return lead;
    },
    get leads() {
      return leading !== undefined;
    },
    voters: () => replica.status().members.voters,
    current: async () => {
      if (leading !== undefined && (await readable(replica))) return;
      const { index } = (await setup.ask(
        GROUP,
        message('head.current', {}),
      )) as Reply<'head.current'>;
      await applied(index);
    },
    led: () => someoneLeads.promise,
    close: () => replica.close(),
  };
}

/**
 * Opens what this head keeps. One that was in a group and lost it must not come back under its
 * name with nothing: it has promised to remember.
 */
async function openDisk({ spool, config, keys, onBroken }: CouncilSetup) {
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
