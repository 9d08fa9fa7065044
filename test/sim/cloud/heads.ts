import { keeping as nodeKeeping } from '../../../src/actors/node/keeping.ts';
import type { Reply } from '../../../src/protocol/messages.ts';
import { message } from '../../../src/protocol/messages.ts';
import type { Change } from '../../../src/runtime/ports.ts';
import { kept } from '../kept.ts';
import type { Life, SimNode } from '../node.ts';
import { Client, type Promises } from './clients.ts';
import { addressOf } from './dials.ts';
import { type HeadSetup, openHead, type SimHead } from './head.ts';
import { Ledger } from './ledger.ts';

export type HeadsSetup = Omit<HeadSetup, 'ledger' | 'name' | 'joins' | 'anyHead'> & {
  readonly decided: (changes: readonly Change[]) => void;
  readonly promises: Promises;
};

const nameOf = (number: number): string => `head-${number}`;
export const FIRST = nameOf(1);

/** The heads of a day: one begins, others are added and removed, and any of them may fall. */
export class Heads {
  readonly ledger: Ledger;
  readonly #setup: HeadsSetup;
  readonly #all = new Map<string, SimHead>();
  readonly #operator: Client;
  #added = 1;

  constructor(setup: HeadsSetup) {
    const { world, decided, promises } = setup;
    this.#setup = setup;
    this.ledger = new Ledger({ world, decided });
    this.#operator = new Client(world, () => this.nodes(), 'otto', promises, 'operator');
  }

  nodes(): readonly SimNode[] {
    return [...this.#all.values()].map(({ node }) => node);
  }

  /** The head that leads by the newest term. */
  leading(): SimHead | undefined {
    const leaders = [...this.#all.values()].filter((head) => head.council()?.leads);
    const term = (head: SimHead): number => head.council()?.lead.term ?? 0;
    return leaders.toSorted((a, b) => term(b) - term(a))[0];
  }

  /** Begins the group, and adds heads to it until they are so many. */
  begin(count: number): void {
    this.#open(FIRST);
    for (let i = 1; i < count; i++) this.add();
  }

  /** An operator adds one, and starts it with what it is invited by. */
  add(): void {
    const name = nameOf(++this.#added);
    const question = message('head.add', { name, address: addressOf(name) });
    this.#operator.insist(question, ({ body }) => {
      const { token, heads } = body as Reply<'head.add'>;
      if (!this.#all.has(name)) this.#open(name, { token, heads });
    });
  }

  /** An operator removes one, and switches it off some time after. */
  remove(name: string): void {
    const { world } = this.#setup;
    const off = (): void => {
      const known = kept(this.ledger.truth, nodeKeeping, `/nodes/${name}`);
      if (known?.phase !== 'gone') return void world.in(1_000, off);
      world.in(world.dice.skewed(0, 60_000), () => {
        this.#all.get(name)?.node.remove('it is no head any more');
        this.#all.delete(name);
      });
    };
    this.#operator.insist(message('head.remove', { name }), off);
  }

  /** An operator lets another lead. */
  transfer(): void {
    this.#operator.tryOnce(message('head.transfer', { to: '' }));
  }

  /** Any head that lives and could be dialled. */
  readonly anyHead = (from: string): Life | undefined => {
    const { world, network } = this.#setup;
    const there = [...this.#all.values()].filter(
      ({ node }) => node.life !== undefined && !network.isCut(from, node.plan.name),
    );
    return there.length === 0 ? undefined : world.dice.pick(there).node.life;
  };

  /** Addresses of those that are, or were told to be, heads. */
  addresses(): readonly string[] {
    return [...this.#all.keys()].map(addressOf);
  }

  /** Only a head that leads has control actors. */
  checkTrees(): void {
    for (const { node, council } of this.#all.values()) {
      const hasTree = node.life?.node.routes.find('/scheduler') !== undefined;
      const holds = !hasTree || council()?.leads === true;
      this.#setup.world.check('who has the tree leads', holds, () => node.plan.name);
    }
  }

  /** What must be so in the evening: all have all. */
  agree(): void {
    const { world } = this.#setup;
    for (const { node } of this.#all.values()) {
      const name = node.plan.name;
      const known = kept(this.ledger.truth, nodeKeeping, `/nodes/${name}`);
      const { index } = this.ledger.places.get(name)!.kept.applied;
      // One that was removed, or that nobody who led ever had a link to, has no part in the group.
      if (known?.phase === 'gone' || index === 0) continue;
      this.ledger.agrees(name);
      const { decided } = this.ledger;
      world.check(
        'all heads have the same',
        index === decided,
        () => `${name} ${index}/${decided}`,
      );
    }
  }

  #open(name: string, joins?: HeadSetup['joins']): void {
    const { anyHead, ledger } = this;
    const head = openHead({ ...this.#setup, anyHead, ledger, name, ...(joins && { joins }) });
    this.#all.set(name, head);
    head.node.start();
  }
}
