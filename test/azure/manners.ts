/** A request that the fake Azure got. */
export type Call = {
  readonly method: string;
  /** Lower case, without the query. */
  readonly path: string;
  readonly kind: Kind;
  /** Counts all requests, from 1. */
  readonly at: number;
};

/** What a request is about. */
export type Kind =
  | 'authority'
  | 'token'
  | 'prices'
  | 'groups'
  | 'group'
  | 'thing'
  | 'machines'
  | 'machine'
  | 'view'
  | 'operation'
  | 'skus'
  | 'usages'
  | 'unknown';

/**
 * What is done to a request instead of answering it well. `throttle`: 429, wants to be left alone
 * for so many seconds. `error`: 500, nothing is done. `lost`: done, and the line is cut before the
 * answer. `doneError`: done, and the answer is 500. `silent`: neither done nor answered.
 */
export type Fault = {
  readonly when: (call: Call) => boolean;
  readonly do: 'throttle' | 'error' | 'lost' | 'doneError' | 'silent';
  /** How many requests it meets; each one is counted down. */
  times: number;
  readonly seconds?: number;
};

export type Refusal = { readonly code: string; readonly message: string };

/** How the site behaves; tests change it while it runs. Milliseconds are taken as they are. */
export type Manners = {
  faults: Fault[];
  /** How long networks, machines and removals take. */
  networkMs: number;
  bootMs: number;
  removeMs: number;
  /** How long a new group is shown to nobody, and is not known to what should go into it. */
  hiddenMs: number;
  /** Cores that the subscription may have. */
  cores: number;
  /** Why a machine cannot be had, once its order was taken. */
  refuseBoot: (machine: string) => Refusal | undefined;
  /** Why a machine's order is not taken. */
  refuseOrder: (machine: string) => Refusal | undefined;
  /** Removals that fail after some of the group is gone. */
  failedRemovals: number;
};

export const calm = (): Manners => ({
  faults: [],
  networkMs: 0,
  bootMs: 0,
  removeMs: 0,
  hiddenMs: 0,
  cores: 1000,
  refuseBoot: () => undefined,
  refuseOrder: () => undefined,
  failedRemovals: 0,
});

/** A site where all things go wrong now and then, by dice. */
export const nasty = (dice: () => number): Manners => {
  const sometimes = (chance: number) => (): boolean => dice() < chance;
  const isArm = ({ kind }: Call): boolean => kind !== 'authority' && kind !== 'token';
  const fault = (what: Fault['do'], chance: number, seconds = 0): Fault => {
    const roll = sometimes(chance);
    return { do: what, times: Number.POSITIVE_INFINITY, seconds, when: (c) => isArm(c) && roll() };
  };
  return {
    ...calm(),
    faults: [
      fault('throttle', 0.02, 0.05),
      fault('error', 0.05),
      fault('lost', 0.03),
      fault('doneError', 0.05),
    ],
    networkMs: 20,
    bootMs: 40,
    removeMs: 40,
    hiddenMs: 60,
    failedRemovals: 2,
  };
};
