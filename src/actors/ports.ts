import type { Millis } from '../runtime/ports.ts';

/** What a machine can give, or a job asks of each node. Counts, and bytes. */
export type Resources = {
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly gpus: number;
};

// ---------------------------------------------------------------- gates: sites that make clusters

export type Flavor = {
  readonly name: string;
  readonly resources: Resources;
  readonly storageBytes: number;
  /** Per node and hour, in the site's currency. */
  readonly price: number;
};

export type Image = { readonly name: string; readonly kind: 'cloud' | 'container' };

/** What a cluster needs to know of how to reach its head, and to prove itself there once. */
export type Bootstrap = {
  /** `host:port` of the heads' mesh listeners. */
  readonly heads: readonly string[];
  /** SHA-256 of the cluster CA's certificate (DER), lower-case hex. */
  readonly caFingerprint: string;
  /** One token a node, by node name; each is good for that name once. Secret: never logged. */
  readonly tokens: Readonly<Record<string, string>>;
};

export type PartitionOrder = {
  /** `swm-<first 8 of the job id>`; creating it twice gives the same partition. */
  readonly name: string;
  readonly job: string;
  readonly owner: string;
  /** The installation's id, kept in tags so that a sweep knows its own. */
  readonly installation: string;
  readonly flavor: string;
  readonly image: string;
  /** The site's storages that each machine is to have, by name. */
  readonly storages?: readonly string[];
  /** Node names, main first. */
  readonly nodes: readonly string[];
  readonly bootstrap: Bootstrap;
};

/** A cluster as its site tells of it. */
export type Partition = {
  readonly externalId: string;
  readonly name: string;
  readonly status: 'creating' | 'updating' | 'succeeded' | 'failed' | 'deleting';
  /** The site's own words, mostly why it failed. */
  readonly description: string;
  /** Address of each node, by node name; empty while unknown. */
  readonly addresses: Readonly<Record<string, string>>;
  /** The `installation` tag, or '' where the site keeps no tags. */
  readonly installation: string;
  readonly createdAt: Millis;
  /**
   * Nodes that the site is about to take back, or has taken. Only a partition that this may happen
   * to has it, from its creation on: such a one is asked for again and again.
   */
  readonly evicted?: readonly string[];
};

/** A machine of a partition that is to become a node of ours. */
export type MachineOrder = {
  readonly partition: string;
  readonly node: string;
  /** As the partition tells of it. */
  readonly address: string;
  /** Its token is the only one in it. */
  readonly bootstrap: Bootstrap;
};

/** A site. Every method throws `Failed` with a code of protocol/errors.ts, and only that. */
export interface Gate {
  /**
   * Ensures the partition by name and resolves when the site has taken the order (not when it has
   * booted). Idempotent: an existing one of that name and installation is returned as it is.
   */
  create(order: PartitionOrder, signal: AbortSignal): Promise<Partition>;
  /** The partition of that name, or undefined if the site is sure that there is none. */
  find(name: string, signal: AbortSignal): Promise<Partition | undefined>;
  /** Resolves only when the partition is confirmed gone, also if it was gone before. */
  remove(externalId: string, signal: AbortSignal): Promise<void>;
  /** All partitions at the site, ours or not. */
  list(signal: AbortSignal): Promise<readonly Partition[]>;
  flavors(signal: AbortSignal): Promise<readonly Flavor[]>;
  images(signal: AbortSignal): Promise<readonly Image[]>;
  /** Storages that machines can be made with, by name; a site without it has none. */
  readonly storages?: readonly string[];
  /**
   * Makes a machine a node, and keeps its way to the heads open until it is aborted: it resolves
   * never, and may be called again for one that has joined. `told` hears which step it is at, in
   * words for the user. Machines of a site without it join by what they were created with.
   */
  attach?(machine: MachineOrder, told: (step: string) => void, signal: AbortSignal): Promise<never>;
}

// ---------------------------------------------------------------- processes of a worker

/** One process of a job: `rank` counts its nodes from 0, the main one. */
export type AttemptKey = {
  /** The job's full id. */
  readonly job: string;
  readonly attempt: number;
  readonly rank: number;
};

export type ProcessOrder = {
  readonly key: AttemptKey;
  /** Absolute; it exists, belongs to `user`, and holds the inputs. */
  readonly directory: string;
  /** Absolute path of the script file to run; run by its `#!` line, else by /bin/sh. */
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
  /** Absolute paths, made by swm outside the job's reach or within `directory`. '' stdin: none. */
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  /** The local account to run as; '' is swm's own (never root when swm is root). */
  readonly user: string;
  readonly limits: Resources;
  /** The container image that it runs in; undefined: in none. */
  readonly image?: string;
  /** Folders of the machine that it has in its container too. */
  readonly folders?: readonly string[];
  /** Its container is to have a network of its own; undefined: it has that of the machine. */
  readonly reached?: Reached;
};

/** All by which what has a network of its own is reached: ports, at that address of the machine. */
export type Reached = { readonly address: string; readonly ports: readonly number[] };

/** A signal that a job may ask to be told by. */
export type JobSignal = 'usr1' | 'usr2' | 'hup' | 'int' | 'term';

export type Started = {
  readonly pid: number;
  readonly at: Millis;
  /** What could not be enforced here, in words for the user; empty if all is. */
  readonly unenforced: readonly string[];
};

/** How a process ended. `lost`: it is gone, and no exit line tells how. */
export type Exit = {
  readonly code: number;
  /** 0, or the number of the signal that ended it. */
  readonly signal: number;
  readonly at: Millis;
  readonly outOfMemory: boolean;
  readonly lost: boolean;
  /** A log reached its limit, for which swm ended the attempt; the log says so too. */
  readonly logFull?: boolean;
  /** Its lease ran out, so it was ended: swm may run it again elsewhere. */
  readonly leaseOut?: boolean;
};

export interface Processes {
  /**
   * Ensures that the attempt runs or has run: starts it if there is no record of it, else
   * reattaches. Never starts an attempt twice, whatever was killed in between.
   */
  ensure(order: ProcessOrder): Promise<Started>;
  /** Resolves when the attempt's process has ended and the rest of its tree is dead. */
  exited(key: AttemptKey, signal: AbortSignal): Promise<Exit>;
  /** TERM, grace, freeze, KILL until nothing of the tree is left. Also for one never seen. */
  stop(key: AttemptKey, graceMs: Millis): Promise<void>;
  /**
   * Tells the attempt's main process, never another that has its number by now, and only if it
   * handles that signal: else it would die of it. False: nobody was told.
   */
  signal(key: AttemptKey, name: JobSignal): Promise<boolean>;
  /** Removes the attempt's records once its end is acknowledged. Its key never starts again. */
  forget(key: AttemptKey): Promise<void>;
  /** Milliseconds since the machine's boot, asleep or not. */
  bootMs(): Millis;
  /**
   * Lets the attempt, also one not started yet, run until then by `bootMs`. From the first time on,
   * whatever becomes of this worker, all of it is killed when that is past, and nothing starts.
   */
  renew(key: AttemptKey, until: Millis): Promise<void>;
}

/** The container images of a worker. */
export interface Images {
  /**
   * Brings the image here unless it is here; `progress` counts the bytes known so far. With a login
   * the registry is asked as whoever that is, for this once, and as nobody else.
   */
  bring(image: string, progress: Progress, signal: AbortSignal, login?: ImageLogin): Promise<void>;
}

/** The text of a secret by that name. It is in no record, event or failure. */
export type ImageLogin = { readonly name: string; readonly text: string };

// ---------------------------------------------------------------- bytes

export type BlobRef = { readonly sha256: string; readonly bytes: number };

export type Input = BlobRef & {
  /** Relative to the working directory; never absolute, never with `..`. */
  readonly path: string;
  /** Permission bits such as 0o755. */
  readonly mode: number;
};

export type Output = Input;

export type Progress = (doneBytes: number, totalBytes: number) => void;

/** The job's place on a worker: made, filled, emptied into the head's blobs, and removed. */
export interface Workplace {
  /** Makes the directory and brings every input there, verified; what is there already is kept. */
  stage(place: PlaceOrder, progress: Progress, signal: AbortSignal): Promise<Place>;
  /** Sends outputs and logs to the head and resolves when it holds them. */
  collect(place: PlaceOrder, progress: Progress, signal: AbortSignal): Promise<Collected>;
  /**
   * Has the job save itself and sends the files that it then has in its checkpoint directory, once
   * they are whole. None: it keeps them elsewhere. Null: they were not whole within `ms`.
   */
  checkpoint(
    place: PlaceOrder,
    job: Saver,
    ms: Millis,
    signal: AbortSignal,
  ): Promise<readonly Output[] | null>;
  /** Removes all of it. */
  clear(key: AttemptKey): Promise<void>;
}

/** The job while it saves itself. */
export type Saver = {
  /** Tells it to; false if it does not listen: then what it has is what there is. */
  ask(): Promise<boolean>;
  /** Whether it has ended, and writes no more. */
  isOver(): boolean;
};

export type PlaceOrder = {
  readonly key: AttemptKey;
  readonly script: string;
  readonly scriptBlob: BlobRef | null;
  readonly inputs: readonly Input[];
  readonly outputs: readonly string[];
  /** Where the job wants its logs and its working directory; '' is the usual. */
  readonly stdout: string;
  readonly stderr: string;
  readonly workdir: string;
  readonly user: string;
  /** A line for each node of a job of several, the main one first; else ''. */
  readonly hosts: string;
  /** Whether it gets `swm task`, or what waits for tasks in the place of its script. */
  readonly tasks: 'none' | 'command' | 'agent';
  /** Of a shift, which runs the script once for each task: how long one may run; 0: no bound. */
  readonly taskMs?: Millis;
  /** Files that hold secrets, inside the directory: they are brought there, and never back. */
  readonly secrets?: readonly { readonly path: string; readonly text: string }[];
  /** Where it saves itself, from where it starts; '' if it does not. */
  readonly checkpointDir: string;
  /** What it goes on from: put back after the inputs, in their place where both are. */
  readonly restored: readonly Input[];
};

export type Place = {
  readonly directory: string;
  readonly script: string;
  readonly stdout: string;
  readonly stderr: string;
};

export type Collected = {
  readonly outputs: readonly Output[];
  /** Promised files that the job did not make. */
  readonly missing: readonly string[];
  readonly stdout: BlobRef;
  readonly stderr: BlobRef;
  /** Of a shift: where in the logs each of its tasks is. */
  readonly index?: BlobRef;
};

/** Content-addressed files of one node. */
export interface Blobs {
  has(sha256: string): boolean;
}
