/**
 * One call of a client: when it was made, and when it was answered; never, if `returned` is
 * infinite. Such a call may have had its effect at any time since, or may have none.
 */
export type Call<Op> = { readonly called: number; readonly returned: number; readonly op: Op };

/** What is called, seen as if one call came after the other. */
export type Model<State, Op> = {
  readonly first: State;
  /** The state after a call that was answered so; undefined if it cannot have been. */
  readonly after: (state: State, op: Op) => State | undefined;
};

/**
 * Whether there is an order of the calls, each at an instant between its call and its answer, in
 * which each answer is right (Wing and Gong's search, which remembers where it has been).
 */
export function isLinearizable<State extends string | number, Op>(
  history: readonly Call<Op>[],
  { first, after }: Model<State, Op>,
): boolean {
  const calls = history.toSorted((a, b) => a.called - b.called);
  const been = new Set<string>();
  const goesOn = (left: readonly number[], state: State): boolean => {
    const answered = left.filter((n) => calls[n]!.returned !== Number.POSITIVE_INFINITY);
    if (answered.length === 0) return true;
    const key = `${state} ${left.join()}`;
    if (been.has(key)) return false;
    been.add(key);
    // Whoever is first was called before any other was answered.
    const until = Math.min(...answered.map((n) => calls[n]!.returned));
    return left.some((n) => {
      const { called, op } = calls[n]!;
      if (called > until) return false;
      const next = after(state, op);
      return (
        next !== undefined &&
        goesOn(
          left.filter((other) => other !== n),
          next,
        )
      );
    });
  };
  return goesOn([...calls.keys()], first);
}

/** What clients do with a job, and see of it. */
export type JobOp =
  | { readonly do: 'submit' }
  | { readonly do: 'purge' }
  /** `at`: how far it was, by `rankOf`; undefined: there was none. */
  | { readonly do: 'show'; readonly at: number | undefined };

/** A job's run, and whether that has ended, as a number that only grows. */
export const rankOf = (run: number, ended: boolean): number => run * 2 + (ended ? 1 : 0);

const NONE = -1;
const PURGED = Number.MAX_SAFE_INTEGER;

/**
 * A job as a register that grows by itself: who looks sees it no less far than anybody saw it
 * before, and sees it at all as soon as its submit was acknowledged.
 */
export const jobModel: Model<number, JobOp> = {
  first: NONE,
  after: (state, op) => {
    switch (op.do) {
      case 'submit':
        return Math.max(state, 0);
      case 'purge':
        return state === NONE ? undefined : PURGED;
      case 'show':
        if (op.at === undefined) return state === NONE || state === PURGED ? state : undefined;
        return state !== NONE && op.at >= state ? op.at : undefined;
    }
  },
};
