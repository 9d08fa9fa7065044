/** Where an actor lives: a name, not a pointer. It survives restarts, and travels on the wire. */
export type Ref = { readonly node: string; readonly path: string };

/** The node that leads now, whichever it is: jobs, clusters, gates and the scheduler live there. */
export const LEADER = '@';

export const ref = (node: string, path: string): Ref => ({ node, path });
export const control = (path: string): Ref => ({ node: LEADER, path });

/** Splits `/jobs/1a2b` into its pool and its name; a path of one segment has the pool `''`. */
export function split(path: string): { readonly pool: string; readonly name: string } {
  const at = path.lastIndexOf('/');
  return { pool: path.slice(0, at), name: path.slice(at + 1) };
}
