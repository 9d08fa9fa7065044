import type { Gate } from '../actors/ports.ts';
import type { Credentials } from '../platform/credentials.ts';
import type { Millis, Note } from '../runtime/ports.ts';

/** What every kind of gate is opened with. */
export type GateSetup = {
  /** The site's name in the config; one that can be a folder. */
  readonly remote: string;
  /** What the config says of this site, not yet checked. */
  readonly settings: unknown;
  /** The head's spool, absolute: what a gate keeps on disk lies below `gates/<remote>`. */
  readonly spool: string;
  /** What starts a worker on this machine; the gate adds `--config FILE --spool FOLDER`. */
  readonly workerCommand: readonly string[];
  /** What the config of every worker has besides what its site says of it. */
  readonly workerConfig: object;
  /** The name of the head, and where it listens for nodes as seen from itself. */
  readonly head: string;
  readonly mesh: () => Promise<{ readonly host: string; readonly port: number }>;
  readonly note: Note;
  /** The head's own, for sites that want to know who asks. The key is for TLS alone. */
  readonly credentials?: Pick<Credentials, 'key' | 'shown' | 'chain'>;
  readonly now: () => Millis;
  /** From 0 to below 1; decides which of a failing site's orders fail. */
  readonly dice: () => number;
};

/** Opens a site. Throws `Malformed` for settings that do not fit, `Failed` where it cannot work. */
export type GateKind = (setup: GateSetup) => Promise<Gate>;
