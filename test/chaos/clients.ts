import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../../src/client/client.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { Dice } from '../sim/dice.ts';
import type { Group } from './group.ts';
import { drawScript, type Marks, type Script } from './scripts.ts';

/** A job that was promised to a client. */
export type Acked = {
  readonly script: Script;
  readonly id: string;
  /** Whether its cancel was asked for, and the phase in which it was told to be. */
  cancelled: 'no' | 'asked' | 'acknowledged';
  phase: string;
};

/** What clients did, and were told, so far. */
export type Histories = {
  readonly acked: Acked[];
  /** Keys of submits that nobody answered: they may have been heard. */
  readonly unanswered: Set<string>;
  /** Promises that were seen broken at once. */
  readonly broken: string[];
};

export type Clients = {
  readonly histories: Histories;
  /** Submits a new job with a client that stays; resolves when it is acknowledged. */
  submit(): Promise<void>;
  /** Lets all go on but submit nothing, or submit again. */
  pause(isPaused: boolean): void;
  /** Resolves when all have done what they were at. */
  stop(): Promise<void>;
};

/** Between two deeds of a client. */
const PAUSE_MS = [100, 400] as const;
/** A call that takes longer counts as not answered. */
const CALL_MS = 20_000;

/** Starts so many clients, which know all heads, and do what users do until they are stopped. */
export function startClients(group: Group, marks: Marks, count: number, seed: number): Clients {
  const histories: Histories = { acked: [], unanswered: new Set(), broken: [] };
  const stop = new AbortController();
  const paused = { value: false };
  const single = group.heads.map((head) => group.client([head], 2_000));
  const users = Array.from({ length: count }, (_, at) => {
    const dice = new Dice(seed * 1000 + at);
    return new User({ name: `u${at}`, dice, marks, histories, client: group.client(), single });
  });
  const probe = new User({
    ...{ name: 'probe', dice: new Dice(seed * 1000 + 999), marks, histories, single },
    client: group.client(),
  });
  const going = users.map((user) => user.live(stop.signal, paused));
  return {
    histories,
    submit: () => probe.submit(),
    pause(isPaused) {
      paused.value = isPaused;
    },
    async stop() {
      stop.abort();
      await Promise.all(going);
    },
  };
}

type UserParts = {
  readonly name: string;
  readonly dice: Dice;
  readonly marks: Marks;
  readonly histories: Histories;
  readonly client: Client;
  /** A client of each head alone, to see what each says. */
  readonly single: readonly Client[];
};

class User {
  readonly #parts: UserParts;
  readonly #mine: Acked[] = [];
  #made = 0;

  constructor(parts: UserParts) {
    this.#parts = parts;
  }

  async live(stop: AbortSignal, paused: { readonly value: boolean }): Promise<void> {
    const { dice } = this.#parts;
    while (!stop.aborted) {
      await sleep(dice.between(...PAUSE_MS));
      if (paused.value) continue;
      await this.submit();
      if (dice.chance(0.3)) await this.look();
      if (dice.chance(0.15)) await this.cancel();
    }
  }

  async submit(): Promise<void> {
    const { name, dice, marks, histories, client } = this.#parts;
    const key = `${name}-${this.#made++}`;
    const script = drawScript(dice, key, marks);
    try {
      const asked = { script: script.text, inputs: [], key };
      const { id } = await client.call('job.submit', asked, { ms: CALL_MS });
      const acked: Acked = { script, id, cancelled: 'no', phase: '' };
      histories.acked.push(acked);
      this.#mine.push(acked);
    } catch (error) {
      this.#unless(error, `submit of ${key}`);
      histories.unanswered.add(key);
    }
  }

  /** What was acknowledged is there for everybody, at once, at any head that answers. */
  async look(): Promise<void> {
    const { dice, histories, single, name } = this.#parts;
    const acked = this.#mine.at(-1);
    if (acked === undefined) return;
    const at = dice.between(0, single.length - 1);
    try {
      const { job } = await single[at]!.call('job.show', { id: acked.id });
      if (job.name !== acked.script.key) histories.broken.push(`${acked.id} is ${job.name}`);
    } catch (error) {
      if (error instanceof Failed && error.failure.code === 'not_found')
        histories.broken.push(`${name}: head ${at + 1} does not know ${acked.script.key}`);
      else this.#unless(error, `look at ${acked.script.key}`);
    }
  }

  async cancel(): Promise<void> {
    const { dice, client } = this.#parts;
    const acked = dice.pick(this.#mine.slice(-4));
    if (acked.cancelled !== 'no') return;
    acked.cancelled = 'asked';
    try {
      acked.phase = (await client.call('job.cancel', { id: acked.id }, { ms: CALL_MS })).phase;
      acked.cancelled = 'acknowledged';
    } catch (error) {
      // It has ended, perhaps because we were heard before.
      if (error instanceof Failed && error.failure.code === 'wrong_phase') return;
      this.#unless(error, `cancel of ${acked.script.key}`);
    }
  }

  /** That nobody answers is no broken promise; a no to what is well asked is one. */
  #unless(error: unknown, what: string): void {
    if (error instanceof Failed && error.failure.retry) return;
    if (error instanceof Failed && ['timeout', 'unreachable'].includes(error.failure.code)) return;
    const why = error instanceof Failed ? `[${error.failure.code}] ${error.message}` : error;
    this.#parts.histories.broken.push(`${what}: ${why}`);
  }
}
