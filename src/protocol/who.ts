/**
 * The side of this node that a message came in by. Role and identity come from the certificate and
 * the registry, never from a field of a frame. `local` is an actor of this very node.
 */
export type Door = 'local' | 'terminal' | 'operator' | 'head' | 'worker';

/** Who says something: `id` is the user's UUID, or the node's name, or an actor's path. */
export type Who = {
  readonly door: Door;
  readonly id: string;
  /**
   * The account of which a terminal's user is an admin, where they ask something of a job of it.
   * The session says so, for that call alone.
   */
  readonly adminOf?: string;
};
