import type { Failure } from '../../../src/protocol/errors.ts';
import { type Message, message, type Reply } from '../../../src/protocol/messages.ts';
import { ref } from '../../../src/protocol/ref.ts';
import type { Who } from '../../../src/protocol/who.ts';
import type { Answer } from '../../../src/runtime/asks.ts';
import type { SimNode } from '../node.ts';
import type { World } from '../world.ts';
import { HEAD, jobId } from './head.ts';

const ANSWER_MS = 10_000;

/** What swm has promised to its users: it must be kept whatever happens. */
export type Promises = {
  /** Jobs whose submit was acknowledged. */
  readonly submitted: Set<string>;
  /** Jobs whose cancel was acknowledged, with the phase that it found them in, by run. */
  readonly cancelled: Map<string, string>;
  readonly requeued: Map<string, number>;
  readonly purged: Set<string>;
};

/** A terminal that gives up on no call before it has an answer, over sessions that come and go. */
export class Client {
  readonly #world: World;
  readonly #head: SimNode;
  readonly #user: Who;
  readonly #promises: Promises;
  #calls = 0;

  constructor(
    world: World,
    head: SimNode,
    name: string,
    promises: Promises,
    door: 'terminal' | 'operator' = 'terminal',
  ) {
    this.#world = world;
    this.#head = head;
    this.#user = { door, id: name };
    this.#promises = promises;
  }

  /** The id that the job will have, whichever head takes it. */
  submit(script: string): string {
    const key = `${this.#user.id}-${++this.#calls}`;
    const id = jobId(this.#user.id, key);
    const body = { script, file: 'job.sh', inputs: [], key };
    this.#insist(message('job.submit', body), ({ body: reply }) => {
      const said = (reply as Reply<'job.submit'>).id;
      this.#world.check('a key is one job', said === id, () => `${key}: ${said}, not ${id}`);
      this.#promises.submitted.add(id);
    });
    return id;
  }

  cancel(id: string): void {
    this.#insist(message('job.cancel', { id }), ({ body }) => {
      this.#promises.cancelled.set(id, (body as Reply<'job.cancel'>).phase);
    });
  }

  requeue(id: string): void {
    this.#insist(message('job.requeue', { id }), ({ body }) => {
      this.#promises.requeued.set(id, (body as Reply<'job.requeue'>).run);
      // What was cancelled before runs again, because its owner said so after.
      this.#promises.cancelled.delete(id);
    });
  }

  /** Has it forgotten, once it has ended. */
  purge(id: string): void {
    this.#insist(message('job.purge', { id }), () => void this.#promises.purged.add(id));
  }

  /** An operator's word that a machine is no more. */
  giveUp(node: string): void {
    this.#insist(message('node.gone', { node }), () => {});
  }

  /** Says it again until it is answered for good. */
  #insist(what: Message, done: (answer: Answer & { ok: true }) => void): void {
    this.#call(what, (answer) => {
      if (answer.ok) return done(answer);
      this.#world.tell(`${this.#user.id} ${what.name} ${answer.failure.code}`);
      const waits = what.name === 'job.purge' && answer.failure.code === 'wrong_phase';
      if (isFinal(answer.failure) && !waits) return this.#refused(what, answer.failure);
      this.#world.in(this.#world.dice.between(500, 5_000), () => this.#insist(what, done));
    });
  }

  #refused({ name }: Message, { code, text }: Failure): void {
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
    const node = this.#head.life?.node;
    const sessions = node?.routes.find('/sessions');
    if (node === undefined || sessions === undefined || sessions.isOver)
      return void this.#world.in(50, fail);
    sessions.children.spawn('session', this.#user.id, { user: this.#user });
    const to = ref(HEAD, `/sessions/${this.#user.id}`);
    node.routes.ask(to, what, ANSWER_MS, this.#user, once);
  }
}

const isFinal = ({ code, retry }: Failure): boolean => !retry && code !== 'not_found';
