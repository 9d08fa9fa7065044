import type { Lead } from '../../../src/actors/lead.ts';
import type { Kept } from '../../../src/consensus/model.ts';
import { raftEnvelope } from '../../../src/node/raft-wire.ts';
import { type Council, type SeatSetup, takeSeat } from '../../../src/node/seat.ts';
import type { HeadMessage, Offer } from '../../../src/platform/replica/messages.ts';
import type { Snapshot } from '../../../src/platform/replica/ports.ts';
import { raftSettings } from '../../../src/platform/replica/status.ts';
import { Failed, type Failure } from '../../../src/protocol/errors.ts';
import { limits } from '../../../src/protocol/limits.ts';
import type { Message } from '../../../src/protocol/messages.ts';
import { control } from '../../../src/protocol/ref.ts';
import type { Clock } from '../../../src/runtime/ports.ts';
import type { MemoryReplicaDisk, MemoryReplicaPlace } from '../../ports/memory-replica-disk.ts';
import type { Life } from '../node.ts';
import type { World } from '../world.ts';
import type { HeadSetup } from './head.ts';

/** A day is long: heads beat twenty times slower than real ones, and all else in proportion. */
const SLOWER = 20;
const settings = {
  ...raftSettings,
  beatMs: raftSettings.beatMs * SLOWER,
  electionMsMin: raftSettings.electionMsMin * SLOWER,
  electionMsMax: raftSettings.electionMsMax * SLOWER,
  leaseMs: raftSettings.leaseMs * SLOWER,
};

/** So little of the log is kept that heads which come back need snapshots. */
const bounds = limits as { -readonly [K in keyof typeof limits]: number };
bounds.raftTailEntriesMax = 60;

export type SeatNews = Omit<Pick<SeatSetup, `on${string}` & keyof SeatSetup>, 'onLead'> & {
  readonly onLead: (lead: Lead, before: Lead, kept: Kept) => void;
};

/** The real seat of a head in its group, on a disk, over links and by a clock that are played. */
export function seatOf(
  setup: HeadSetup,
  life: Life,
  place: MemoryReplicaPlace,
  news: SeatNews,
): Council {
  const { world, name } = setup;
  const disk = openDisk(setup, life, place);
  const since = world.now - world.dice.between(0, 1e6);
  const clock: Clock = {
    now: life.clock.now,
    timer: (ms, then) =>
      life.clock.timer(ms, () => {
        world.stir();
        then();
      }),
  };
  return takeSeat({
    ...news,
    disk,
    self: name,
    clock,
    monotonic: () => world.now - since,
    dice: () => world.dice.roll(),
    note: life.note,
    later: (then) => void clock.timer(0, then),
    settings,
    send: (to, said) => send(setup, life, to, said),
    fetchSnapshot: (from, offer) => life.whileAlive(() => fetchSnapshot(setup, from, offer)),
    ask: (path, question) => life.whileAlive(() => askOf(world, life, path, question)),
    onLead: (lead, before) => news.onLead(lead, before, disk.kept),
    onBroken: ({ text }) => life.crash('on', text),
  });
}

/** What is written is kept, or is not, as the dice say. */
function openDisk(
  { world, faults }: HeadSetup,
  life: Life,
  place: MemoryReplicaPlace,
): MemoryReplicaDisk {
  const { dice } = world;
  return place.open({
    fate: () => {
      const { commitCrash, commitFail } = faults();
      if (dice.chance(commitCrash)) return 'crash';
      return dice.chance(commitFail) ? 'fail' : 'commit';
    },
    onCrash: () => life.crash(dice.chance(0.5) ? 'on' : 'off', 'in a commit'),
    // A disk that failed once is not tried again: the node ends, once it heard of it.
    onBroken: ({ text }: Failure) => {
      world.in(dice.skewed(0, 200), () => life.crash('on', text));
    },
  });
}

/** Now and then a word is lost for want of room, without a word, or comes twice. */
function send({ world, faults }: HeadSetup, life: Life, to: string, said: HeadMessage): boolean {
  const { dice } = world;
  const { lost } = faults();
  const envelope = raftEnvelope(said);
  if (dice.chance(lost)) return dice.chance(0.5);
  if (dice.chance(lost)) life.wire.send(to, envelope);
  return life.wire.send(to, envelope);
}

const CHUNKS = 4;

/** A snapshot comes in pieces; without a link there come none, and it is begun anew. */
async function fetchSnapshot(
  { world, network, name, faults }: HeadSetup,
  from: string,
  offer: Offer,
): Promise<Snapshot> {
  const { dice } = world;
  const slow = dice.chance(faults().lost * 10) ? 20_000 : 400;
  for (let chunk = 0; chunk < CHUNKS; chunk++) {
    await new Promise<void>((resolve) => void world.clock.timer(dice.skewed(1, slow), resolve));
    if (!network.isLinked(name, from) || network.isCut(name, from) || dice.chance(faults().lost))
      throw new Failed('unreachable', `no link to ${from}`);
  }
  return { ...offer, path: `${from}/${offer.index}-${offer.term}` };
}

/** Puts a question to an actor of the control tree on behalf of a node. */
export const askOf = (world: World, life: Life, path: string, question: Message): Promise<object> =>
  new Promise((resolve, reject) => {
    const who = { door: 'local', id: `node ${life.port.name}` } as const;
    life.node.routes.ask(control(path), question, limits.callMs, who, (answer) => {
      world.stir();
      if (answer.ok) resolve(answer.body);
      else reject(new Failed(answer.failure.code, answer.failure.text, answer.failure.retry));
    });
  });
