import Type, { type Static } from 'typebox';
import { limits } from './limits.ts';
import {
  BlobRef,
  count,
  Failure,
  File,
  files,
  instant,
  list,
  name,
  paths,
  Resources,
  Spec,
  text,
  uuid,
} from './model.ts';
import { Used } from './used.ts';

/** An attempt as heads and workers speak of it: what is ordered, and what is reported. */

const Exit = Type.Object({
  code: Type.Integer(),
  signal: Type.Integer(),
  at: instant,
  outOfMemory: Type.Boolean(),
  lost: Type.Boolean(),
});

const Collected = Type.Object({
  outputs: files,
  missing: paths,
  stdout: BlobRef,
  stderr: BlobRef,
});

/** Files of a job's working directory, as they were when it had saved itself. */
export const Checkpoint = Type.Object({
  at: instant,
  /** Which attempt made it. */
  attempt: count(1_000_000),
  files: list(File, limits.checkpointFilesMax),
});
export type Checkpoint = Static<typeof Checkpoint>;

/** One process of an attempt, as its head orders it. */
export const Order = Type.Object({
  runner: text(100),
  /** The node it is for. */
  node: name,
  job: uuid,
  attempt: count(1_000_000),
  rank: count(limits.nodesMax),
  /** Whether it may start once it is staged; else `runner.go` says when. */
  go: Type.Boolean(),
  spec: Spec,
  script: text(limits.scriptInlineBytesMax),
  scriptBlob: Type.Union([Type.Null(), BlobRef]),
  inputs: files,
  nodes: list(name, limits.nodesMax),
  addresses: list(text(256), limits.nodesMax),
  resources: Resources,
  owner: text(64),
  /** Where it was submitted from; heads of before it was there did not say. */
  from: Type.Optional(text(256)),
  /** What it goes on from, if it does; the main rank alone gets the files. */
  checkpoint: Type.Optional(Type.Union([Type.Null(), Checkpoint])),
});
export type Order = Static<typeof Order>;

/**
 * How an attempt is on one node: all of it, each time. `seq` grows with every change, so that the
 * newest is the one to believe; instants of what was passed meanwhile are in it.
 */
export const Report = Type.Object({
  job: uuid,
  node: name,
  attempt: count(1_000_000),
  rank: count(limits.nodesMax),
  seq: count(2 ** 40),
  phase: Type.Enum(['staging', 'staged', 'starting', 'running', 'collecting', 'over']),
  detail: text(4096),
  stagedAt: instant,
  startedAt: instant,
  exitedAt: instant,
  unenforced: list(text(512), 64),
  /** Whether swm ended it: its exit then says nothing of the job. */
  stopped: Type.Boolean(),
  exit: Type.Union([Type.Null(), Exit]),
  collected: Type.Union([Type.Null(), Collected]),
  failure: Type.Union([Type.Null(), Failure]),
  /** The last that this attempt has made; it is with the heads. */
  checkpoint: Type.Optional(Type.Union([Type.Null(), Checkpoint])),
  /** What it has used, of what was seen of it until lately. */
  used: Type.Optional(Used),
});
export type Report = Static<typeof Report>;
