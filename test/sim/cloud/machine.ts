import type {
  AttemptKey,
  Exit,
  Place,
  PlaceOrder,
  Processes,
  ProcessOrder,
  Resources,
  Started,
  Workplace,
} from '../../../src/actors/ports.ts';
import { Failed } from '../../../src/protocol/errors.ts';
import type { Millis } from '../../../src/runtime/ports.ts';
import type { Life } from '../node.ts';
import type { World } from '../world.ts';
import { type Leases, openLeases } from './leases.ts';
import { blobOf, type Saving, save } from './saving.ts';
import { wishes } from './script.ts';

/** What a machine tells of its processes; invariants listen. */
export type Witness = {
  /** A process was started: it uses its node from now on. */
  readonly began: (machine: Machine, order: ProcessOrder) => void;
  /** It ran to its end there, or was killed, or its machine died under it. */
  readonly ended: (machine: Machine, key: AttemptKey, exit: Exit) => void;
  /** All that an attempt begins with is in its place; what it has saved is with the heads. */
  readonly staged: (order: PlaceOrder) => void;
  readonly saved: (key: AttemptKey, sha256: string) => void;
};

type Told =
  | { readonly is: 'nothing' }
  | { readonly is: 'refused' }
  | { readonly is: 'failed'; readonly why: Failed }
  | { readonly is: 'running'; readonly started: Started; readonly order: ProcessOrder }
  | { readonly is: 'ended'; readonly started: Started; readonly exit: Exit };

const whyNever = (told: Told): Failed =>
  told.is === 'failed' ? told.why : new Failed('refused', 'it was stopped before it started');

type Attempt = { readonly key: AttemptKey; told: Told; readonly waiting: Set<() => void> };

const nameOf = ({ job, attempt, rank }: AttemptKey): string => `${job}.${attempt}.${rank}`;
/** A machine on which a worker runs jobs. They outlive the worker, and die with the machine. */
export class Machine {
  readonly name: string;
  readonly resources: Resources;
  readonly #world: World;
  readonly #witness: Witness;
  readonly #attempts = new Map<string, Attempt>();
  readonly #forgotten = new Set<string>();
  readonly #lease: Leases<Attempt>;
  readonly #places = new Map<string, string>();
  readonly #saving: Saving;
  #boots = 1;
  #isGone = false;

  constructor(world: World, name: string, resources: Resources, witness: Witness) {
    this.#world = world;
    this.name = name;
    this.resources = resources;
    this.#witness = witness;
    this.#saving = { world, takes: (min, max) => this.#takes(min, max), saved: witness.saved };
    this.#lease = openLeases({ clock: world.clock, in: (ms, then) => world.in(ms, then) });
  }

  /** What runs on it now. */
  running(): readonly ProcessOrder[] {
    return [...this.#attempts.values()].flatMap(({ told }) =>
      told.is === 'running' ? [told.order] : [],
    );
  }

  /** Attempts of which something is left: a record, or a place. */
  remains(): readonly string[] {
    return [...new Set([...this.#attempts.keys(), ...this.#places.keys()])];
  }

  /** Its power was off for a moment: its disk has all, and nothing runs. */
  reboot(): void {
    this.#boots++;
    for (const attempt of [...this.#attempts.values()]) {
      const { told } = attempt;
      if (told.is === 'nothing') this.#drop(attempt);
      if (told.is === 'running') this.#end(attempt, { code: 0, signal: 0, lost: true });
    }
  }

  /** It is no more, and all on it. */
  destroy(): void {
    this.#isGone = true;
    this.reboot();
    this.#attempts.clear();
    this.#places.clear();
  }

  /** As one life of its worker uses it. */
  processes(life: () => Life): Processes {
    return {
      ensure: (order) => life().whileAlive(() => this.#ensure(order, life())),
      exited: (key, signal) => life().whileAlive(() => this.#exited(key, signal)),
      stop: (key, graceMs) => life().whileAlive(() => this.#stop(key, graceMs)),
      forget: (key) => life().whileAlive(() => this.#forget(key)),
      bootMs: () => this.#world.clock.now(),
      renew: (key, until) => life().whileAlive(async () => this.#renew(key, until)),
      signal: (key) =>
        life().whileAlive(async () => this.#attempts.get(nameOf(key))?.told.is === 'running'),
    };
  }

  workplace(life: () => Life): Workplace {
    return {
      stage: (order, progress, signal) =>
        life().whileAlive(() => this.#stage(order, progress, signal, life())),
      collect: (order, _, signal) => life().whileAlive(() => this.#collect(order, signal)),
      checkpoint: (order, job, _, signal) =>
        life().whileAlive(() => save(this.#saving, order.key, job, signal)),
      clear: (key) =>
        life().whileAlive(async () => {
          await this.#takes(1, 200);
          this.#places.delete(nameOf(key));
        }),
    };
  }

  async #ensure(order: ProcessOrder, life: Life): Promise<Started> {
    const name = nameOf(order.key);
    if (!this.#attempts.has(name) && this.#forgotten.has(name))
      throw new Failed('refused', 'this attempt has been, and is forgotten');
    const attempt = this.#attempts.get(name) ?? this.#enter(order.key);
    if (attempt.told.is === 'nothing') {
      const { dice } = this.#world;
      let alive = false;
      const look = life.guard(() => {
        alive = true;
      });
      this.#world.in(dice.skewed(1, 500), () => {
        look();
        // A slot that was given the order goes on without the worker; another never was, and the
        // worker's next life gives it anew.
        if (alive || dice.chance(0.5)) this.#start(attempt, order);
      });
    }
    return this.#until(name, undefined, (told) => {
      if (told.is === 'refused' || told.is === 'failed') throw whyNever(told);
      return told.is === 'nothing' ? undefined : told.started;
    });
  }

  #start(attempt: Attempt, order: ProcessOrder): void {
    const { dice, clock } = this.#world;
    if (attempt.told.is !== 'nothing' || this.#attempts.get(nameOf(order.key)) !== attempt) return;
    const staged = this.#places.get(nameOf(order.key));
    if (staged === undefined)
      return this.#world.violate('only what is staged starts', `${this.name} ${nameOf(order.key)}`);
    if (dice.chance(0.01)) {
      const why = new Failed('start_failed', 'the system refused a new process', true);
      return this.#say(attempt, { is: 'failed', why });
    }
    const started = { pid: dice.between(2, 99_999), at: clock.now(), unenforced: [] };
    this.#say(attempt, { is: 'running', started, order });
    this.#witness.began(this, order);
    const { ms, code } = wishes(staged);
    this.#world.in(ms, () => this.#end(attempt, { code, signal: 0, lost: false }));
  }

  #end(attempt: Attempt, how: Pick<Exit, 'code' | 'signal' | 'lost' | 'leaseOut'>): void {
    const { told } = attempt;
    if (told.is !== 'running') return;
    const exit: Exit = { ...how, at: this.#world.clock.now(), outOfMemory: false };
    this.#say(attempt, { is: 'ended', started: told.started, exit });
    this.#witness.ended(this, attempt.key, exit);
  }

  #renew(key: AttemptKey, until: Millis): void {
    const attempt = this.#attempts.get(nameOf(key)) ?? this.#enter(key);
    this.#lease(attempt, until, () => {
      if (attempt.told.is === 'nothing') this.#say(attempt, { is: 'refused' });
      this.#end(attempt, { code: 0, signal: 9, lost: false, leaseOut: true });
    });
  }

  #exited(key: AttemptKey, signal: AbortSignal): Promise<Exit> {
    return this.#until(nameOf(key), signal, (told) => {
      if (told.is === 'refused' || told.is === 'failed') throw whyNever(told);
      return told.is === 'ended' ? told.exit : undefined;
    });
  }

  async #stop(key: AttemptKey, graceMs: Millis): Promise<void> {
    const name = nameOf(key);
    if (!this.#attempts.has(name) && this.#forgotten.has(name)) return;
    const attempt = this.#attempts.get(name) ?? this.#enter(key);
    if (attempt.told.is === 'nothing') return this.#say(attempt, { is: 'refused' });
    if (attempt.told.is !== 'running') return;
    const { dice } = this.#world;
    const heeds = dice.chance(0.7);
    const ms = heeds ? dice.between(0, graceMs) : graceMs;
    const signal = heeds ? 15 : 9;
    this.#world.in(ms, () => this.#end(attempt, { code: 0, signal, lost: false }));
    await this.#until(name, undefined, (told) => (told.is === 'running' ? undefined : told));
  }

  async #forget(key: AttemptKey): Promise<void> {
    const name = nameOf(key);
    const is = this.#attempts.get(name)?.told.is;
    if (is === 'running' || is === 'nothing')
      throw new Failed('wrong_phase', 'an attempt that still runs is not forgotten');
    this.#forgotten.add(name);
    this.#attempts.delete(name);
  }

  async #stage(
    order: PlaceOrder,
    progress: (done: number, total: number) => void,
    signal: AbortSignal,
    life: Life,
  ): Promise<Place> {
    await this.#takes(5, 4_000);
    progress(50, 100);
    await this.#takes(5, 2_000);
    if (signal.aborted) throw new Failed('timeout', 'given up');
    if (this.#world.dice.chance(0.05)) throw new Failed('unreachable', 'no link to the head');
    const name = nameOf(order.key);
    // It is the worker that writes, and one that died meanwhile writes no more.
    life.guard(() => this.#places.set(name, order.script))();
    this.#witness.staged(order);
    const at = (file: string): string => `/jobs/${name}/${file}`;
    const files = { script: at('script'), stdout: at('stdout.log'), stderr: at('stderr.log') };
    return { directory: at('work'), ...files };
  }

  async #collect(order: PlaceOrder, signal: AbortSignal) {
    await this.#takes(5, 4_000);
    if (signal.aborted) throw new Failed('timeout', 'given up');
    if (this.#world.dice.chance(0.05)) throw new Failed('unreachable', 'no link to the head');
    const name = nameOf(order.key);
    return { outputs: [], missing: [], stdout: blobOf(name), stderr: blobOf('') };
  }

  /** Nothing is ever heard again of a machine that died meanwhile. */
  #takes(min: Millis, max: Millis): Promise<void> {
    const boot = this.#boots;
    return new Promise((resolve) => {
      this.#world.clock.timer(this.#world.dice.skewed(min, max), () => {
        if (boot === this.#boots && !this.#isGone) resolve();
      });
    });
  }

  #enter(key: AttemptKey): Attempt {
    const attempt: Attempt = { key, told: { is: 'nothing' }, waiting: new Set() };
    this.#attempts.set(nameOf(key), attempt);
    return attempt;
  }

  #drop(attempt: Attempt): void {
    const name = nameOf(attempt.key);
    if (attempt.told.is === 'nothing' && this.#attempts.get(name) === attempt)
      this.#attempts.delete(name);
  }

  #say(attempt: Attempt, told: Told): void {
    attempt.told = told;
    this.#world.tell(`${this.name} process ${nameOf(attempt.key)} ${told.is}`);
    this.#world.stir();
    for (const look of [...attempt.waiting]) look();
  }

  /** Resolves once `found` finds something in what is told of the attempt. */
  #until<T>(
    name: string,
    signal: AbortSignal | undefined,
    found: (told: Told) => T | undefined,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const attempt = this.#attempts.get(name);
      if (attempt === undefined)
        throw new Failed('not_found', 'there is no record of this attempt');
      if (signal?.aborted) throw new Failed('timeout', 'given up');
      const look = (): void => {
        try {
          const value = found(attempt.told);
          if (value === undefined) return;
          resolve(value);
        } catch (error) {
          reject(error);
        }
        attempt.waiting.delete(look);
      };
      attempt.waiting.add(look);
      const stop = (): void => {
        attempt.waiting.delete(look);
        reject(new Failed('timeout', 'given up'));
      };
      signal?.addEventListener('abort', stop, { once: true });
      look();
    });
  }
}
