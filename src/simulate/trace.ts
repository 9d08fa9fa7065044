import type { Resources } from '../protocol/model.ts';
import type { Millis } from '../runtime/ports.ts';

/** Jobs of the past, or made up: when they came, what they asked for, how long they ran. */
export type Trace = {
  /** In the order in which they came. */
  readonly jobs: readonly Past[];
  /** The machine on which they ran, as far as the trace tells of it. */
  readonly machine?: { readonly nodes: number; readonly cpus: number };
  /** Jobs that never ran, or of which too little is known. */
  readonly leftOut: number;
};

export type Past = {
  /** As the trace calls it. */
  readonly name: string;
  readonly submittedAt: Millis;
  readonly runMs: Millis;
  /** What it said how long it may run; 0: nothing. */
  readonly walltimeMs: Millis;
  readonly wants: Wants;
  readonly owner: string;
  readonly account: string;
  readonly queue: string;
  /** It comes when another one has ended, a former one of the list, and perhaps so much later. */
  readonly after?: { readonly job: number; readonly thinkMs?: Millis };
};

/** Traces of others count processors, wherever they are; ours count nodes, and of each so much. */
export type Wants =
  | { readonly is: 'processors'; readonly count: number; readonly memoryBytes: number }
  | { readonly is: 'nodes'; readonly nodes: number; readonly each: Resources };

/** Something that is wrong with a line of a file, or with its row of that number. */
export type Fault = { readonly line: number; readonly text: string };
