import { Failed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { Message, Name } from '../protocol/messages.ts';
import type { Line } from './line.ts';
import type { Lines } from './lines.ts';

/** Doing these twice is not the same as once; everything else may be said again. */
const once: readonly Name[] = ['job.requeue', 'head.transfer'];

/** Failures after which the same call may well succeed, also at another head. */
const passing: readonly unknown[] = ['busy', 'stopping', 'unreachable', 'unknown_outcome'];

export const isOnce = (name: Name): boolean => once.includes(name);

export const isPassing = (error: unknown): error is Failed =>
  error instanceof Failed && passing.includes(error.failure.code);

const restOf = (untilMs: number): number => Math.max(1, untilMs - Date.now());

/** Puts a question to the head at the end of a line, and to others if that helps. */
export async function ask(
  lines: Lines,
  line: Line,
  question: Message,
  untilMs: number,
): Promise<object> {
  if (lines.heads > 1 && !isOnce(question.name)) return hedged(lines, line, question, untilMs);
  try {
    return await line.ask(question, restOf(untilMs));
  } catch (error) {
    if (isPassing(error)) lines.leave(line);
    throw error;
  }
}

const hedged = (lines: Lines, line: Line, question: Message, untilMs: number): Promise<object> =>
  new Promise((resolve, reject) => {
    new Hedge(lines, question, untilMs, resolve, reject).begin(line);
  });

const nothing = (): void => {};

/**
 * One question to several heads: the first good answer counts. When the first head keeps us
 * waiting, a second is asked; when all that were asked cannot answer now, the next one is. A no
 * that is final counts unless a good answer comes right after it: that to what was done first.
 */
class Hedge {
  readonly #lines: Lines;
  readonly #question: Message;
  readonly #untilMs: number;
  readonly #resolve: (body: object) => void;
  readonly #reject: (why: Failed) => void;
  readonly #asked = new Set<number>();
  /** What takes back each question that is under way. */
  readonly #underWay = new Set<() => void>();
  /** The heads that have not answered. */
  readonly #waitsFor = new Set<number>();
  #why: Failed | undefined;
  #isFinal = false;
  #isDialling = false;
  #isHedged = false;
  #isOver = false;
  #undoHedge = nothing;
  #undoLate = nothing;
  #undoGrace = nothing;

  constructor(
    lines: Lines,
    question: Message,
    untilMs: number,
    resolve: (body: object) => void,
    reject: (why: Failed) => void,
  ) {
    this.#lines = lines;
    this.#question = question;
    this.#untilMs = untilMs;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  begin(line: Line): void {
    const { timers } = this.#lines;
    const closed = (): void => this.#fail(new Failed('stopping', 'the client is closed'));
    const late = (): void => this.#fail(this.#why ?? new Failed('timeout', 'no answer in time'));
    this.#undoLate = timers.after(restOf(this.#untilMs), late, closed);
    if (this.#isOver) return;
    this.#undoHedge = timers.after(limits.hedgeMs, () => this.#hedge());
    this.#put(line);
  }

  #hedge(): void {
    if (this.#lines.hedged >= limits.hedgesMax) return;
    this.#lines.hedged += 1;
    this.#isHedged = true;
    this.#next();
  }

  #put(line: Line): void {
    this.#asked.add(line.head);
    this.#waitsFor.add(line.head);
    if (!this.#isFinal) this.#undoGrace();
    const { answer, forget } = line.put(this.#question, restOf(this.#untilMs));
    this.#underWay.add(forget);
    const answered = (body: object): void => {
      if (this.#isOver) return;
      this.#over();
      this.#lines.prefer(line);
      this.#resolve(body);
    };
    answer.then(answered, (error: Failed) => {
      this.#underWay.delete(forget);
      this.#waitsFor.delete(line.head);
      if (!this.#isOver) this.#refused(error);
    });
  }

  #refused(error: Failed): void {
    if (isPassing(error)) {
      // That nobody knows is worse than that it was not done.
      if (!this.#isFinal && this.#why?.failure.code !== 'unknown_outcome') this.#why = error;
    } else if (!this.#isFinal) {
      this.#isFinal = true;
      this.#why = error;
    }
    const why = this.#why ?? error;
    const isLast = this.#underWay.size === 0;
    if (this.#isFinal) return isLast ? this.#fail(why) : this.#failSoon(why);
    if (!isLast) return this.#nextSoon();
    if (this.#isDialling) return this.#failSoon(why);
    this.#next();
    // The one that is asked now may be the one that died; those who refused may know more soon.
    this.#againSoon();
  }

  /** Who keeps us waiting may never answer, and who cannot answer now may soon. */
  #nextSoon(): void {
    if (!this.#isDialling) this.#againSoon();
  }

  #againSoon(): void {
    this.#undoHedge();
    this.#undoHedge = this.#lines.timers.after(limits.hedgeMs / 2, () => {
      for (const head of this.#asked) if (!this.#waitsFor.has(head)) this.#asked.delete(head);
      this.#next();
    });
  }

  /** Asks another head, as soon as there is a line to one. */
  #next(): void {
    this.#undoHedge();
    this.#isDialling = true;
    this.#lines.other(this.#asked).then(
      (line) => {
        this.#isDialling = false;
        if (!this.#isOver) this.#put(line);
      },
      (error: Failed) => {
        this.#isDialling = false;
        if (this.#underWay.size === 0) this.#fail(this.#why ?? error);
      },
    );
  }

  #failSoon(why: Failed): void {
    this.#undoGrace();
    this.#undoGrace = this.#lines.timers.after(limits.hedgeMs, () => this.#fail(why));
  }

  #fail(why: Failed): void {
    if (this.#isOver) return;
    this.#over();
    this.#reject(why);
  }

  #over(): void {
    this.#isOver = true;
    if (this.#isHedged) this.#lines.hedged -= 1;
    for (const undo of [this.#undoHedge, this.#undoLate, this.#undoGrace, ...this.#underWay])
      undo();
  }
}
