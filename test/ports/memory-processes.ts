import type { AttemptKey, Exit, Processes, ProcessOrder, Started } from '../../src/actors/ports.ts';
import { Failed, Malformed } from '../../src/protocol/errors.ts';
import type { Cancel, Clock, Millis } from '../../src/runtime/ports.ts';

/** What a process does when it is let. */
export type Doing = {
  /** Infinity for one that never ends of itself. */
  readonly lastsMs: Millis;
  readonly code: number;
  readonly signal: number;
  /** How long it goes on after a TERM; Infinity for one that does not listen. */
  readonly termMs: Millis;
  /** What it ends with when it is told by a signal; of one that does not listen, nothing. */
  readonly toldCode?: number;
};

export type MachineOptions = {
  readonly clock: Clock;
  /** From 0 to below 1. */
  readonly dice: () => number;
  readonly doing: (order: ProcessOrder) => Doing;
  /** The longest between an order and its process; and between a KILL and its end. */
  readonly startMs?: Millis;
  readonly killMs?: Millis;
  /** Why the machine refuses this start. */
  readonly refuses?: (order: ProcessOrder) => Failed | undefined;
};

type Record = {
  readonly key: AttemptKey;
  readonly started: Started;
  exit: Exit | undefined;
  /** Of its end, and of its death by TERM. */
  timers: Cancel[];
  readonly doing: Doing;
};

type Known = Record | 'refused';

const nameOf = ({ job, attempt, rank }: AttemptKey): string => {
  if (!/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/.test(job)) throw new Malformed('$.key.job', 'a name');
  return `${job}/${attempt}/${rank}`;
};

/**
 * A machine whose processes are thought of. It outlives its worker: each `open` is a life of one,
 * and processes and records go on when that life is closed, as they do when a worker is killed.
 */
export class MemoryMachine {
  readonly #options: MachineOptions;
  readonly #records = new Map<string, Known>();
  readonly #forgotten = new Set<string>();
  /** What ends an attempt whose lease runs out, whatever becomes of its worker. */
  readonly #leases = new Map<string, Cancel>();
  readonly #starts = new Map<string, number>();
  readonly #changed = new Set<() => void>();
  #pids = 100;
  #isGone = false;

  constructor(options: MachineOptions) {
    this.#options = options;
  }

  /** The attempts whose process lives now. */
  get live(): readonly AttemptKey[] {
    return [...this.#records.values()].flatMap((record) =>
      record !== 'refused' && record.exit === undefined ? [record.key] : [],
    );
  }

  /** How often the attempt was started; more than once is a fault, of whoever. */
  starts(key: AttemptKey): number {
    return this.#starts.get(nameOf(key)) ?? 0;
  }

  /** A life of a worker on this machine. Of a closed one nothing more is heard. */
  open(): Processes & { close(): void } {
    let isOpen = true;
    const alive = () => isOpen && !this.#isGone;
    return {
      ensure: (order) => this.#ensure(order, alive),
      exited: (key, signal) => this.#exited(key, signal, alive),
      stop: (key, graceMs) => this.#stop(key, graceMs, alive),
      forget: (key) => this.#forget(key),
      bootMs: () => this.#options.clock.now(),
      renew: async (key, until) => this.#renew(key, until),
      signal: async (key) => this.#signal(key),
      close: () => {
        isOpen = false;
      },
    };
  }

  /** Deletes the machine: nothing on it is ever heard of again. */
  destroy(): void {
    this.#isGone = true;
    for (const record of this.#records.values())
      if (record !== 'refused') this.#end(record, lost(this.#options.clock.now()));
  }

  /** Ends all processes and keeps the records. The life that was open is closed by its owner. */
  reboot(): void {
    for (const record of this.#records.values())
      if (record !== 'refused') this.#end(record, lost(this.#options.clock.now()));
  }

  async #ensure(order: ProcessOrder, alive: () => boolean): Promise<Started> {
    const name = nameOf(order.key);
    if (this.#forgotten.has(name)) throw new Failed('refused', 'forgotten');
    await this.#later(this.#options.startMs ?? 0, alive);
    const known = this.#records.get(name) ?? this.#start(name, order);
    if (known === 'refused') throw new Failed('refused', 'stopped before it started');
    await this.#later(this.#options.startMs ?? 0, alive);
    return known.started;
  }

  #start(name: string, order: ProcessOrder): Record {
    if (this.#forgotten.has(name)) throw new Failed('refused', 'forgotten');
    const why = this.#options.refuses?.(order);
    if (why) throw why;
    const at = this.#options.clock.now();
    const doing = this.#options.doing(order);
    const started = { pid: ++this.#pids, at, unenforced: [] };
    const record: Record = { key: order.key, started, exit: undefined, timers: [], doing };
    this.#records.set(name, record);
    this.#starts.set(name, (this.#starts.get(name) ?? 0) + 1);
    this.#endIn(record, doing.lastsMs, doing.code, doing.signal);
    return record;
  }

  async #exited(key: AttemptKey, signal: AbortSignal, alive: () => boolean): Promise<Exit> {
    signal.throwIfAborted();
    const name = nameOf(key);
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    aborted.catch(() => {});
    const known = this.#records.get(name);
    if (!known) throw new Failed('not_found', 'no record');
    return Promise.race([this.#exitOf(known, alive), aborted]);
  }

  async #exitOf(known: Known, alive: () => boolean): Promise<Exit> {
    if (known === 'refused') throw new Failed('refused', 'stopped before it started');
    while (known.exit === undefined) await this.#change();
    if (!alive()) await never;
    return known.exit;
  }

  async #stop(key: AttemptKey, graceMs: Millis, alive: () => boolean): Promise<void> {
    const name = nameOf(key);
    if (this.#forgotten.has(name)) return;
    const known = this.#records.get(name);
    if (!known) this.#records.set(name, 'refused');
    if (!known || known === 'refused' || known.exit) return;
    if (graceMs > 0) this.#endIn(known, known.doing.termMs, 0, 15);
    const { clock, killMs = 0, dice } = this.#options;
    clock.timer(graceMs, () => alive() && this.#endIn(known, Math.floor(dice() * killMs), 0, 9));
    await this.#exitOf(known, alive);
  }

  async #forget(key: AttemptKey): Promise<void> {
    const name = nameOf(key);
    const known = this.#records.get(name);
    if (known && known !== 'refused' && !known.exit) throw new Failed('wrong_phase', 'it runs');
    this.#forgotten.add(name);
    this.#records.delete(name);
  }

  #signal(key: AttemptKey): boolean {
    const known = this.#records.get(nameOf(key));
    if (!known || known === 'refused' || known.exit) return false;
    if (known.doing.toldCode === undefined) return false;
    this.#endIn(known, 0, known.doing.toldCode, 0);
    return true;
  }

  #renew(key: AttemptKey, until: Millis): void {
    const name = nameOf(key);
    const { clock } = this.#options;
    if (until <= clock.now()) throw new Failed('timeout', 'too late');
    this.#leases.get(name)?.();
    this.#leases.set(
      name,
      clock.timer(until - clock.now(), () => {
        const known = this.#records.get(name);
        if (known === undefined) this.#records.set(name, 'refused');
        else if (known !== 'refused') this.#end(known, leaseOut(clock.now()));
      }),
    );
  }

  #endIn(record: Record, ms: Millis, code: number, signal: number): void {
    if (record.exit || ms === Infinity) return;
    const { clock } = this.#options;
    const end = () =>
      this.#end(record, { code, signal, at: clock.now(), outOfMemory: false, lost: false });
    record.timers.push(clock.timer(ms, end));
  }

  #end(record: Record, exit: Exit): void {
    if (record.exit) return;
    record.exit = exit;
    this.#leases.get(nameOf(record.key))?.();
    for (const cancel of record.timers.splice(0)) cancel();
    for (const tell of [...this.#changed]) tell();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      const tell = () => {
        this.#changed.delete(tell);
        resolve();
      };
      this.#changed.add(tell);
    });
  }

  /** Never, when the life is closed by then. */
  #later(ms: Millis, alive: () => boolean): Promise<void> {
    const { clock, dice } = this.#options;
    return new Promise((resolve) => {
      clock.timer(Math.floor(dice() * ms), () => alive() && resolve());
    });
  }
}

const never = new Promise<never>(() => {});

const leaseOut = (at: Millis): Exit => ({ ...lost(at), signal: 9, lost: false, leaseOut: true });

const lost = (at: Millis): Exit => ({ code: 0, signal: 0, at, outOfMemory: false, lost: true });
