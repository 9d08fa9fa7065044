import type { Failure } from '../../../src/protocol/errors.ts';
import { type Message, message, type Reply } from '../../../src/protocol/messages.ts';
import { ref } from '../../../src/protocol/ref.ts';
import type { Who } from '../../../src/protocol/who.ts';
import type { Answer } from '../../../src/runtime/asks.ts';
import { type Call, isLinearizable, type JobOp, jobModel, rankOf } from '../history.ts';
import type { SimNode } from '../node.ts';
import type { World } from '../world.ts';
import { jobId } from './ports.ts';

const ANSWER_MS = 10_000;

/** What swm has promised to its users: it must be kept whatever happens. */
export type Promises = {
  /** Jobs whose submit was acknowledged. */
  readonly submitted: Set<string>;
  /** Jobs whose cancel was acknowledged, with the phase that it found them in, by run. */
  readonly cancelled: Map<string, string>;
  readonly requeued: Map<string, number>;
  readonly purged: Set<string>;
  /** All that clients did with each job, and saw of it. */
  readonly histories: Map<string, Call<JobOp>[]>;
  /** Told of each submit as it is acknowledged. */
  readonly acknowledged: (id: string) => void;
};

export const noPromises = (acknowledged: Promises['acknowledged']): Promises => ({
  acknowledged,
  submitted: new Set(),
  cancelled: new Map(),
  requeued: new Map(),
  purged: new Set(),
  histories: new Map(),
});

/** What clients saw of each job is what they would have seen of one head that never fails. */
export function checkHistories(world: World, { histories }: Promises): void {
  for (const [id, calls] of histories)
    world.check(
      'what clients see is in order',
      isLinearizable(calls, jobModel),
      () => `${id} ${JSON.stringify(calls)}`,
    );
}

/**
 * A terminal that gives up on no call before it has an answer, over sessions that come and go, with
 * whichever head answers.
 */
export class Client {
  readonly #world: World;
  readonly #heads: () => readonly SimNode[];
  readonly #user: Who;
  readonly #promises: Promises;
  #calls = 0;
  /** Which head it speaks to. */
  #at: number;

  constructor(
    world: World,
    heads: () => readonly SimNode[],
    name: string,
    promises: Promises,
    door: 'terminal' | 'operator' = 'terminal',
  ) {
    this.#world = world;
    this.#heads = heads;
    this.#at = world.dice.between(0, 9);
    this.#user = { door, id: name };
    this.#promises = promises;
  }

  /** The id that the job will have, whichever head takes it. */
  submit(script: string): string {
    const key = `${this.#user.id}-${++this.#calls}`;
    const id = jobId(this.#user.id, key);
    const body = { script, file: 'job.sh', inputs: [], key };
    const answered = this.#began(id, { do: 'submit' });
    this.insist(message('job.submit', body), ({ body: reply }) => {
      const said = (reply as Reply<'job.submit'>).id;
      this.#world.check('a key is one job', said === id, () => `${key}: ${said}, not ${id}`);
      this.#promises.submitted.add(id);
      this.#promises.acknowledged(id);
      answered();
      this.onAcknowledged(id);
    });
    return id;
  }

  /** Told of each submit as it is acknowledged. */
  onAcknowledged: (id: string) => void = () => {};

  /** Looks at a job, once, at whichever head it speaks to. */
  show(id: string): void {
    const called = this.#world.time;
    this.tryOnce(message('job.show', { id }), (answer) => {
      const at = farOf(answer);
      if (at === 'unknown') return;
      this.#done(id, called, { do: 'show', at });
    });
  }

  cancel(id: string): void {
    this.insist(message('job.cancel', { id }), ({ body }) => {
      this.#promises.cancelled.set(id, (body as Reply<'job.cancel'>).phase);
    });
  }

  requeue(id: string): void {
    this.insist(message('job.requeue', { id }), ({ body }) => {
      this.#promises.requeued.set(id, (body as Reply<'job.requeue'>).run);
      // What was cancelled before runs again, because its owner said so after.
      this.#promises.cancelled.delete(id);
    });
  }

  /** Has it forgotten, once it has ended. */
  purge(id: string): void {
    const answered = this.#began(id, { do: 'purge' });
    this.insist(message('job.purge', { id }), () => {
      this.#promises.purged.add(id);
      answered();
    });
  }

  /** An operator's word that a machine is no more. */
  giveUp(node: string): void {
    this.insist(message('node.gone', { node }), () => {});
  }

  /** Says it again until it is answered for good. */
  insist(what: Message, done: (answer: Answer & { ok: true }) => void): void {
    this.#call(what, (answer) => {
      if (answer.ok) return done(answer);
      this.#world.tell(`${this.#user.id} ${what.name} ${answer.failure.code}`);
      this.#at++;
      const waits = what.name === 'job.purge' && answer.failure.code === 'wrong_phase';
      if (isFinal(answer.failure) && !waits) return this.#refused(what, answer.failure);
      this.#world.in(this.#world.dice.between(500, 5_000), () => this.insist(what, done));
    });
  }

  /** Says it once, to one head. */
  tryOnce(what: Message, then: (answer: Answer) => void = () => {}): void {
    this.#call(what, (answer) => {
      if (!answer.ok) this.#at++;
      then(answer);
    });
  }

  /** A call that may never be answered; the one returned tells that it was. */
  #began(id: string, op: JobOp): () => void {
    const called = this.#world.time;
    const calls = this.#historyOf(id);
    const at = calls.push({ called, returned: Number.POSITIVE_INFINITY, op }) - 1;
    return () => {
      calls[at] = { called, returned: this.#world.time, op };
    };
  }

  #done(id: string, called: number, op: JobOp): void {
    this.#historyOf(id).push({ called, returned: this.#world.time, op });
  }

  #historyOf(id: string): Call<JobOp>[] {
    const { histories } = this.#promises;
    const calls = histories.get(id) ?? [];
    histories.set(id, calls);
    return calls;
  }

  #refused({ name }: Message, { code, text }: Failure): void {
    // A head that is expected, or is leaving, already is what an operator wants.
    if (name.startsWith('head.')) return;
    const odd = name === 'job.submit' || (code !== 'wrong_phase' && code !== 'not_found');
    this.#world.check('clients are understood', !odd, () => `${name}: ${code} ${text}`);
  }

  /** One try; whatever becomes of the head, it ends. */
  #call(what: Message, then: (answer: Answer) => void): void {
    let over = false;
    const once = (answer: Answer): void => {
      if (over) return;
      over = true;
      stop();
      this.#world.in(0, () => then(answer));
    };
    const gone: Failure = { code: 'unreachable', text: 'no answer', retry: true };
    const fail = (): void => once({ ok: false, failure: gone });
    const stop = this.#world.in(ANSWER_MS, fail);
    const heads = this.#heads();
    const head = heads[this.#at % heads.length];
    const node = head?.life?.node;
    const sessions = node?.routes.find('/sessions');
    if (node === undefined || sessions === undefined || sessions.isOver)
      return void this.#world.in(50, fail);
    sessions.children.spawn('session', this.#user.id, { user: this.#user });
    const to = ref(node.name, `/sessions/${this.#user.id}`);
    node.routes.ask(to, what, ANSWER_MS, this.#user, once);
  }
}

const isFinal = ({ code, retry }: Failure): boolean => !retry && code !== 'not_found';

/** How far a job is that was shown; undefined: there is none; or nobody knows. */
function farOf(answer: Answer): number | undefined | 'unknown' {
  if (!answer.ok) return answer.failure.code === 'not_found' ? undefined : 'unknown';
  const { job } = answer.body as Reply<'job.show'>;
  return rankOf(job.run, job.phase === 'ended');
}
