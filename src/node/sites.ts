import type { Book } from '../actors/entries/book.ts';
import type { GatePorts, SiteFacts } from '../actors/gate/tasks.ts';
import type { Config } from '../config.ts';
import { roomOf } from '../gates/gates.ts';
import { limits } from '../protocol/limits.ts';
import type { Millis } from '../runtime/ports.ts';

type Remote = Config['remotes'][number];

/** What the sites of the configuration are, as of when a gate asks. */
export function sitesBy(remotes: readonly Remote[], book: () => Book): GatePorts['sites'] {
  const byName = new Map(remotes.map((remote) => [remote.name, remote]));
  return {
    get: (name) => {
      const remote = byName.get(name);
      return remote && siteFacts(remote, book().global.jobs.keepMs);
    },
  };
}

function siteFacts(remote: Remote, usualMs: Millis): SiteFacts {
  const { kind, flavor = '', image, billingUnitMs = limits.billingUnitMs, keepMs } = remote;
  const { clusters, cpus } = { ...roomOf(remote), ...remote };
  // A gate service chooses itself what is booted for jobs that name no image.
  const usual = kind === 'http' ? '' : 'host';
  return {
    clustersMax: clusters,
    cpusMax: cpus,
    defaultFlavor: flavor,
    defaultImage: image ?? usual,
    unitMs: billingUnitMs,
    keepMs: keepMs ?? usualMs,
  };
}
