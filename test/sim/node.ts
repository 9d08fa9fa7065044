import type { Envelope } from '../../src/protocol/envelope.ts';
import type { Failure } from '../../src/protocol/errors.ts';
import type { Who } from '../../src/protocol/who.ts';
import type { Actor, Exit } from '../../src/runtime/actor.ts';
import type { Families } from '../../src/runtime/family.ts';
import { Node } from '../../src/runtime/node.ts';
import type { Cells, Change, Clock, Note, Store, Wire } from '../../src/runtime/ports.ts';
import type { SupervisorArgs } from '../../src/runtime/supervisor.ts';
import { MemoryDisk } from '../ports/memory-store.ts';
import type { Network, Port } from './network.ts';
import { watched } from './watching.ts';
import type { World } from './world.ts';

/** How much goes wrong on a node: shares of commits, and of turns. */
export type Faults = {
  /** The power is cut as a group of commits reaches the disk. */
  readonly commitCrash: number;
  /** The disk refuses, and nobody knows what it kept. */
  readonly commitFail: number;
  /** A turn throws, as a bug would. */
  readonly turnCrash: number;
  /** The family that throws in every tenth turn; '' is none. */
  readonly moody: string;
  /** The longest that half a commit takes. */
  readonly diskMs: number;
  /** Words between heads that do not arrive, or come twice. */
  readonly lost: number;
  /** Calls to a site at which a head dies, as it makes them or as it hears the answer. */
  readonly siteCrash: number;
};

export const calm: Faults = {
  commitCrash: 0,
  commitFail: 0,
  turnCrash: 0,
  moody: '',
  diskMs: 40,
  lost: 0,
  siteCrash: 0,
};

export type NodePlan = {
  readonly name: string;
  readonly door: 'head' | 'worker';
  /** Its clock goes before the world's by so much, or behind. */
  readonly skewMs: number;
  readonly faults: () => Faults;
  readonly families: (life: Life) => Families;
  /** Opens its trees; what else a node does at its start. */
  readonly boot: (life: Life) => void;
  /** What its control records are kept in, if not on a disk of its own. */
  readonly control?: (life: Life) => Store;
  /** Hears what comes over the links; without it, the actors do. */
  readonly receive?: (life: Life, who: Who, envelope: Envelope) => void;
  readonly leader: (life: Life) => string | undefined;
  readonly admits?: (life: Life, name: string) => boolean;
  readonly up?: (life: Life, peer: string) => void;
  readonly down?: (life: Life, peer: string, why: string) => void;
  /** What was committed, as soon as it is durable and before anybody acts on it. */
  readonly committed?: (scope: 'control' | 'node', changes: readonly Change[]) => void;
  /** The life ended; `machine`: with all else that ran there. */
  readonly ended?: (power: 'on' | 'off') => void;
  /** Undefined: it does not come back by itself. */
  readonly restartMs?: () => number;
};

/** One stay of a node among the living. */
export type Life = {
  readonly node: Node;
  readonly clock: Clock;
  readonly stores: { readonly control: Store; readonly node: Store };
  readonly port: Port;
  readonly wire: Wire;
  readonly note: Note;
  /** Opens a tree of its actors; a tree that falls takes the node with it. */
  readonly open: (tree: SupervisorArgs) => Actor;
  /** Ends it. */
  readonly crash: (power: 'on' | 'off', why: string) => void;
  /** Whatever it calls when this life is over is called no more. */
  readonly guard: <A extends unknown[]>(run: (...args: A) => void) => (...args: A) => void;
  /** A promise to somebody who may die meanwhile. */
  readonly whileAlive: <T>(work: () => Promise<T>) => Promise<T>;
};

/** A node that can lose its power between any two events: all but its disks is gone. */
export class SimNode {
  readonly plan: NodePlan;
  readonly disks: { readonly control: MemoryDisk; readonly node: MemoryDisk };
  readonly #world: World;
  readonly #network: Network;
  #life: Life | undefined;
  #lives = 0;
  #isGone = false;

  constructor(world: World, network: Network, plan: NodePlan) {
    this.#world = world;
    this.#network = network;
    this.plan = plan;
    const later = (then: () => void): void =>
      void world.in(world.dice.skewed(1, plan.faults().diskMs), then);
    const dice = (sides: number): number => world.dice.between(0, sides - 1);
    this.disks = {
      control: new MemoryDisk({ later, dice }),
      node: new MemoryDisk({ later, dice }),
    };
  }

  get life(): Life | undefined {
    return this.#life;
  }

  start(): void {
    if (this.#life !== undefined || this.#isGone) return;
    const number = ++this.#lives;
    this.#world.tell(`${this.plan.name} starts, life ${number}`);
    const life = this.#lend(number);
    this.#life = life;
    this.plan.boot(life);
  }

  /** `power` on: only the program dies, and the kernel says goodbye for it. */
  crash(power: 'on' | 'off', why: string): void {
    const life = this.#life;
    if (life === undefined) return;
    this.#world.tell(`${this.plan.name} dies, power ${power}: ${why}`);
    this.#life = undefined;
    this.#lives++;
    for (const disk of [this.disks.control, this.disks.node]) disk.crash();
    this.#network.detach(life.port, power);
    this.plan.ended?.(power);
    const { restartMs } = this.plan;
    if (restartMs !== undefined) this.#world.in(restartMs(), () => this.start());
  }

  /** Its machine is gone for ever. */
  remove(why: string): void {
    this.#isGone = true;
    this.crash('off', why);
  }

  #lend(number: number): Life {
    const { plan } = this;
    const world = this.#world;
    const isAlive = (): boolean => this.#lives === number;
    const guard: Life['guard'] =
      (run) =>
      (...args) => {
        if (isAlive()) run(...args);
      };
    const whileAlive: Life['whileAlive'] = (work) =>
      new Promise((resolve, reject) => {
        if (isAlive()) work().then(guard(resolve), guard(reject));
      });
    const clock: Clock = {
      now: () => Math.floor(world.now + plan.skewMs),
      timer: (ms, then) => world.in(ms, guard(then)),
    };
    const port = this.#portOf(guard, isAlive, () => life);
    const wire = this.#network.attach(port);
    const note = guard((level: string, path: string, text: string) => {
      world.tell(`${plan.name} ${level} ${path} ${text.split('\n', 1)[0]}`);
      checkNote(world, plan.name, path, text);
    });
    const life: Life = {
      clock,
      get stores() {
        return stores;
      },
      port,
      wire,
      note,
      crash: (power, why) => {
        if (isAlive()) this.crash(power, why);
      },
      open: (tree) => {
        const fell = ({ crashed, why }: Exit): void => {
          const die = guard(() => this.crash('on', why));
          if (crashed) world.in(0, die);
        };
        return node.open('supervisor', '', tree, fell);
      },
      guard,
      whileAlive,
      get node() {
        return node;
      },
    };
    const stores = {
      control: plan.control?.(life) ?? this.#open('control'),
      node: this.#open('node'),
    };
    const crashes = (family: string): number =>
      plan.faults().moody === family ? 0.1 : plan.faults().turnCrash;
    const families = watched(plan.families(life), world, crashes);
    const cells = diceCells(world, isAlive);
    const leader = (): string | undefined => plan.leader(life);
    const node = new Node(plan.name, families, { clock, cells, stores, wire, note, leader });
    return life;
  }

  #portOf(guard: Life['guard'], isAlive: () => boolean, life: () => Life): Port {
    const { plan } = this;
    return {
      name: plan.name,
      door: plan.door,
      admits: (name) => isAlive() && (plan.admits?.(life(), name) ?? false),
      receive: guard((who, envelope) => {
        if (plan.receive !== undefined) plan.receive(life(), who, envelope);
        else life().node.routes.receive(who, envelope);
      }),
      up: guard((peer) => plan.up?.(life(), peer)),
      down: guard((peer, why) => {
        life().node.routes.unlinked(peer);
        plan.down?.(life(), peer, why);
      }),
    };
  }

  #open(scope: 'control' | 'node'): Store {
    const { dice } = this.#world;
    const store = this.disks[scope].open({
      fate: () => {
        const { commitCrash, commitFail } = this.plan.faults();
        if (dice.chance(commitCrash)) return 'crash';
        return dice.chance(commitFail) ? 'fail' : 'commit';
      },
      onCrash: () => this.crash(dice.chance(0.5) ? 'on' : 'off', 'in a commit'),
      // A disk that failed once is not tried again: the node ends, once it heard of it.
      onBroken: ({ text }: Failure) => {
        const lives = this.#lives;
        this.#world.in(dice.skewed(0, 200), () => {
          if (lives === this.#lives) this.crash('on', text);
        });
      },
    });
    return {
      get term() {
        return store.term;
      },
      get: (key) => store.get(key),
      range: (range) => store.range(range),
      commit: (changes, then) =>
        store.commit(changes, (outcome) => {
          if (outcome === 'committed') this.plan.committed?.(scope, changes);
          then(outcome);
        }),
      close: () => store.close(),
    };
  }
}

/** Cells that play in an order, and after a time, that the dice say. */
export function diceCells(world: World, isAlive: () => boolean = () => true): Cells {
  return (_, play, crashed) => {
    let scheduled = false;
    let over = false;
    const turn = (): void => {
      scheduled = false;
      if (over || !isAlive()) return;
      try {
        if (play()) wake();
      } catch (error) {
        if (over) return;
        over = true;
        crashed(error);
      }
    };
    const wake = (): void => {
      if (scheduled || over || !isAlive()) return;
      scheduled = true;
      world.in(world.dice.skewed(0, 4), turn);
    };
    return {
      wake,
      stop: () => {
        over = true;
      },
    };
  };
}

/** An actor that crashes by itself, and a task that fails by a bug, are faults of ours. */
function checkNote(world: World, node: string, path: string, text: string): void {
  const expected = /an injected crash|nobody knows whether|ends too often/;
  if (/^(crashed|task )/.test(text) && !expected.test(text))
    world.violate('nothing throws', `${node} ${path} ${text}`);
}
