import type { Lead } from '../../../src/actors/lead.ts';
import type { Entry, Kept, Members, Position } from '../../../src/consensus/model.ts';
import { termAt } from '../../../src/platform/replica/kept.ts';
import type { Apply, Write } from '../../../src/platform/replica/ports.ts';
import type { Change } from '../../../src/runtime/ports.ts';
import { MemoryReplicaPlace, type SnapshotFiles } from '../../ports/memory-replica-disk.ts';
import { MemoryDisk } from '../../ports/memory-store.ts';
import type { World } from '../world.ts';

export type LedgerOptions = {
  readonly world: World;
  /** Told of what is decided before any head acts on it. */
  readonly decided: (changes: readonly Change[]) => void;
};

/**
 * All that any head ever applied, and who ever led: what heads have and do is held against it. The
 * records that follow from it are what swm has decided, whichever heads live.
 */
export class Ledger {
  readonly truth = new MemoryDisk();
  /** Of terms, who led. */
  readonly leaders = new Map<number, string>();
  readonly files: SnapshotFiles = new Map();
  readonly places = new Map<string, MemoryReplicaPlace>();
  readonly #options: LedgerOptions;
  readonly #entries: Apply[] = [];
  readonly #lines = new Map<string, Entry>();

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  /** Where a head keeps its log and records, over all its lives. */
  place(name: string, joins: boolean, diskMs: () => number): MemoryReplicaPlace {
    const { world } = this.#options;
    const later = (then: () => void): void =>
      void world.in(world.dice.skewed(1, diskMs()), () => {
        world.stir();
        then();
      });
    const dice = (sides: number): number => world.dice.between(0, sides - 1);
    const { files } = this;
    const place = new Watched(name, { joins, later, dice, files }, (write) =>
      this.#played(name, write),
    );
    this.places.set(name, place);
    return place;
  }

  /** A head takes somebody for the leader. */
  led(name: string, { leader, term }: Lead, kept: Kept): void {
    const { world } = this.#options;
    if (leader === '') return;
    const known = this.leaders.get(term) ?? leader;
    world.check('one leader a term', known === leader, () => `${known}, ${leader} in ${term}`);
    this.leaders.set(term, leader);
    const last = this.#entries.at(-1);
    if (leader !== name || last === undefined) return;
    const text = (): string => `${name} leads ${term} and lacks ${last.index} of ${last.term}`;
    world.check('leaders have all that is decided', has(kept, last), text);
  }

  /** A head opens the control tree: it has all that was decided before its term. */
  opens(name: string, term: number): void {
    const { index } = this.#placeOf(name).kept.applied;
    const missed = this.#entries.find((one) => one.index > index && one.term < term);
    const text = (): string =>
      `${name} opens at ${index} in ${term}, and ${missed?.index} is decided`;
    this.#options.world.check('trees open on all that is decided', missed === undefined, text);
  }

  /** A head has the records of all that it has applied, and no others. */
  agrees(name: string): void {
    const { kept, records } = this.#placeOf(name);
    const expected = this.#recordsAt(kept.applied.index);
    const keys = records.between('', END);
    const same = (key: string): boolean => isSame(records.get(key), expected.get(key));
    const wrong = keys.length === expected.size ? keys.find((key) => !same(key)) : `${keys.length}`;
    this.#options.world.check(
      'all heads have the same',
      wrong === undefined,
      () => `${name} at ${kept.applied.index}: ${wrong} of ${expected.size}`,
    );
  }

  /** Up to where it is decided. */
  get decided(): number {
    return this.#entries.length;
  }

  #placeOf(name: string): MemoryReplicaPlace {
    return this.places.get(name) as MemoryReplicaPlace;
  }

  #recordsAt(index: number): ReadonlyMap<string, Uint8Array> {
    const rows = new Map<string, Uint8Array>();
    for (const { changes } of this.#entries.slice(0, index))
      for (const { key, value } of changes)
        if (value === undefined) rows.delete(key);
        else rows.set(key, value);
    return rows;
  }

  /** A write is on the disk of a head. */
  #played(name: string, { entries = [], apply = [] }: Write): void {
    const { world } = this.#options;
    for (const entry of entries) {
      const at = `${entry.index} of term ${entry.term}`;
      const known = this.#lines.get(at) ?? entry;
      const same = known.kind === entry.kind && isSame(known.bytes, entry.bytes);
      world.check('logs match', same, () => `${name} has another ${at}`);
      this.#lines.set(at, known);
    }
    for (const one of apply) this.#applied(name, one);
  }

  #applied(name: string, one: Apply): void {
    const { world, decided } = this.#options;
    const known = this.#entries[one.index - 1];
    if (known !== undefined) {
      const same = known.term === one.term && isSameList(known.changes, one.changes);
      const text = (): string => `${name} applies another ${one.index} of ${one.term}`;
      return world.check('all heads apply the same', same, text);
    }
    const next = this.#entries.length + 1;
    world.check('all heads apply the same', one.index === next, () => `${one.index}, not ${next}`);
    const before = this.#entries.at(-1)?.at ?? 0;
    world.check('log time never goes back', one.at >= before, () => `${one.at}, then ${before}`);
    this.#entries.push(one);
    this.truth.apply(one.changes);
    this.#held(name, one);
    decided(one.changes);
  }

  /** What a head acts on would survive the end of all heads, with most of their disks. */
  #held(name: string, one: Position): void {
    const holds = (voter: string): boolean => {
      const place = this.places.get(voter);
      return place !== undefined && has(place.kept, one);
    };
    const isMost = ({ voters }: Members): boolean =>
      voters.filter(holds).length > Math.floor(voters.length / 2);
    // The group by which it was decided: before, or after, a change that some have in their logs.
    const groups = [...this.places.values()].flatMap(({ kept }) => kept.members);
    const held = groups.some(isMost);
    const text = (): string => `${name} applies ${one.index} of ${one.term}`;
    this.#options.world.check('what is decided is on most disks', held, text);
  }
}

const END = '\u{10ffff}';

/** A place that tells what was written. */
class Watched extends MemoryReplicaPlace {
  readonly #played: (write: Write) => void;

  constructor(
    name: string,
    options: ConstructorParameters<typeof MemoryReplicaPlace>[1],
    played: (write: Write) => void,
  ) {
    super(name, options);
    this.#played = played;
  }

  override play(write: Write): void {
    super.play(write);
    this.#played(write);
  }
}

function has(kept: Kept, { index, term }: Position): boolean {
  if (index <= kept.base.index) return true;
  return index <= kept.last && termAt(kept, index) === term;
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined || a.byteLength !== b.byteLength) return false;
  return a.every((byte, n) => byte === b[n]);
}

const isSameList = (a: readonly Change[], b: readonly Change[]): boolean =>
  a === b ||
  (a.length === b.length &&
    a.every(({ key, value }, n) => key === b[n]?.key && isSame(value, b[n]?.value)));
