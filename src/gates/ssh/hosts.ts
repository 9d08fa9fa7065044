import type { SshPlace, SshSession } from '../../platform/ssh/session.ts';
import { openSession } from '../../platform/ssh/session.ts';
import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { KnownHosts } from '../bootstrap/known-hosts.ts';
import type { Host } from './settings.ts';

type Open = {
  readonly session: Promise<SshSession>;
  idle: NodeJS.Timeout | undefined;
  uses: number;
};

const never = new AbortController().signal;

/** Sessions with the hosts of a site: one each, for as long as somebody has use for it. */
export class Hosts {
  readonly #known: KnownHosts;
  readonly #open = new Map<string, Open>();
  /** Hosts that took long to say nothing, until when they are not asked again, and what it was. */
  readonly #silent = new Map<string, { readonly until: number; readonly why: Failed }>();

  constructor(known: KnownHosts) {
    this.#known = known;
  }

  placeOf({ id, hostKey, address, port, user, key }: Host): SshPlace {
    return { address, port, user, key, hostKeys: this.#known.of(id, hostKey) };
  }

  /** Does something on a host. Throws `Failed`; what was lost on the way may have been done. */
  async use<T>(host: Host, work: (session: SshSession) => Promise<T>): Promise<T> {
    const silent = this.#silent.get(host.id);
    if (silent !== undefined && performance.now() < silent.until) throw silent.why;
    const open = this.#open.get(host.id) ?? this.#begin(host);
    clearTimeout(open.idle);
    open.uses += 1;
    try {
      return await work(await open.session);
    } catch (error) {
      if (error instanceof Failed && error.failure.code === 'unreachable') this.#drop(host, open);
      throw error;
    } finally {
      open.uses -= 1;
      if (open.uses === 0)
        open.idle = setTimeout(() => this.#drop(host, open), limits.sshIdleMs).unref();
    }
  }

  #begin(host: Host): Open {
    const since = performance.now();
    const session = openSession(this.placeOf(host), never);
    const open: Open = { session, idle: undefined, uses: 0 };
    this.#open.set(host.id, open);
    session.then(
      ({ closed }) => void closed.then(() => this.#drop(host, open)),
      (why) => {
        this.#drop(host, open);
        const now = performance.now();
        if (now - since < limits.sshSlowMs || !(why instanceof Failed)) return;
        this.#silent.set(host.id, { until: now + limits.sshSilentMs, why });
      },
    );
    return open;
  }

  #drop({ id }: Host, open: Open): void {
    if (this.#open.get(id) === open) this.#open.delete(id);
    clearTimeout(open.idle);
    open.session.then(
      (session) => session.end(),
      () => {},
    );
  }
}
