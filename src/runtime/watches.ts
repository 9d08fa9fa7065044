import type { Envelope } from '../protocol/envelope.ts';
import type { Node } from './node.ts';
import type { Cancel } from './ports.ts';

type Heard = (why: string) => void;
type Remote = { readonly node: string; readonly then: Heard };

/** Who wants to know when an actor's life ends, here or on another node. Each is told once. */
export class Watches {
  readonly #node: Node;
  readonly #isLive: (path: string) => boolean;
  readonly #local = new Map<string, Set<Heard>>();
  readonly #remote = new Map<number, Remote>();
  /** Watches that other nodes hold on actors of this one: `node/watch` to what ends them. */
  readonly #lent = new Map<string, Cancel>();
  #next = 1;

  constructor(node: Node, isLive: (path: string) => boolean) {
    this.#node = node;
    this.#isLive = isLive;
  }

  local(path: string, then: Heard): Cancel {
    if (!this.#isLive(path)) return this.#soon(then, 'nobody is there');
    const watchers = this.#local.get(path) ?? new Set();
    this.#local.set(path, watchers.add(then));
    return () => {
      watchers.delete(then);
      if (watchers.size === 0 && this.#local.get(path) === watchers) this.#local.delete(path);
    };
  }

  remote(node: string | undefined, path: string, then: Heard): Cancel {
    const watch = this.#next++;
    const { wire } = this.#node.platform;
    if (node === undefined) return this.#soon(then, 'unreachable');
    this.#remote.set(watch, { node, then });
    if (!wire.send(node, { is: 'watch', watch, path })) {
      this.#remote.delete(watch);
      return this.#soon(then, 'unreachable');
    }
    return () => {
      if (this.#remote.delete(watch)) wire.send(node, { is: 'unwatch', watch });
    };
  }

  ended(path: string, why: string): void {
    const watchers = this.#local.get(path);
    this.#local.delete(path);
    for (const then of watchers ?? []) then(why);
  }

  receive(from: string, envelope: Envelope): void {
    switch (envelope.is) {
      case 'watch': {
        const { watch, path } = envelope;
        const tell = (why: string): void => {
          this.#lent.delete(`${from}/${watch}`);
          this.#node.platform.wire.send(from, { is: 'down', watch, why });
        };
        this.#lent.set(`${from}/${watch}`, this.local(path, tell));
        return;
      }
      case 'unwatch':
        this.#lent.get(`${from}/${envelope.watch}`)?.();
        this.#lent.delete(`${from}/${envelope.watch}`);
        return;
      case 'down': {
        const remote = this.#remote.get(envelope.watch);
        if (remote?.node !== from) return;
        this.#remote.delete(envelope.watch);
        remote.then(envelope.why);
        return;
      }
    }
  }

  unlinked(node: string): void {
    for (const [watch, remote] of [...this.#remote])
      if (remote.node === node) {
        this.#remote.delete(watch);
        remote.then('unreachable');
      }
    for (const [key, cancel] of [...this.#lent])
      if (key.startsWith(`${node}/`)) {
        this.#lent.delete(key);
        cancel();
      }
  }

  #soon(then: Heard, why: string): Cancel {
    return this.#node.platform.clock.timer(0, () => then(why));
  }
}
