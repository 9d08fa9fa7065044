/** What both sides of the mesh benchmark send: the shape of an order or a report of a worker. */
export type Envelope = {
  readonly ask: number;
  readonly last: boolean;
  readonly [field: string]: unknown;
};

export const FRAMES = 20_000;
export const MESSAGES_A_FRAME = 64;
export const PINGS = 3_000;

/** About 200 bytes when packed. */
export const message = (ask: number, last = false): Envelope => ({
  ask,
  to: '/jobs/0f8fad5b-d9cb-469f-a165-70867728950e',
  name: 'attempt.progressed',
  at: 1_795_000_000_000 + ask,
  node: 'swm-0f8fad5b-n1',
  text: 'x'.repeat(96),
  last,
});
