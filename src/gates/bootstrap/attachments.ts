import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';

type Told = (step: string) => void;
/** What keeps one machine attached, until it is aborted; it resolves never. */
export type Keep = (told: Told, signal: AbortSignal) => Promise<never>;

type Attached = {
  readonly facts: string;
  readonly end: AbortController;
  readonly over: Promise<never>;
  readonly holders: Set<Told>;
  step: string;
  lingering: NodeJS.Timeout | undefined;
};

/**
 * The machines that are attached. A phase of a cluster holds one for as long as it lasts; between
 * two phases it stays for a moment, so that the next one finds it as it was and no way is cut.
 */
export class Attachments {
  readonly #all = new Map<string, Attached>();

  /**
   * Holds the machine of a name until the signal says otherwise. `facts` are what it was begun
   * with: other ones begin it anew.
   */
  hold(name: string, facts: string, keep: Keep, told: Told, signal: AbortSignal): Promise<never> {
    if (signal.aborted) return Promise.reject(givenUp());
    if (this.#all.get(name)?.facts !== facts) this.#end(name, 'it is attached by other facts');
    const attached = this.#all.get(name) ?? this.#begin(name, facts, keep);
    clearTimeout(attached.lingering);
    // Each holder is one, also of two that tell the same way.
    const holder: Told = (step) => told(step);
    attached.holders.add(holder);
    if (attached.step !== '') told(attached.step);
    return new Promise((_, reject) => {
      attached.over.catch(reject);
      signal.addEventListener('abort', () => {
        attached.holders.delete(holder);
        if (attached.holders.size === 0) this.#linger(name, attached);
        reject(givenUp());
      });
    });
  }

  /** Ends the attachments of all machines whose names begin so, whoever holds them. */
  drop(prefix: string): void {
    for (const name of [...this.#all.keys()])
      if (name.startsWith(prefix)) this.#end(name, 'the machine is being removed');
  }

  #begin(name: string, facts: string, keep: Keep): Attached {
    const end = new AbortController();
    const holders = new Set<Told>();
    const told = (step: string): void => {
      attached.step = step;
      for (const holder of holders) holder(step);
    };
    const ended = new Promise<never>((_, reject) => {
      end.signal.addEventListener('abort', () => reject(end.signal.reason));
    });
    const over = Promise.race([ended, Promise.resolve().then(() => keep(told, end.signal))]);
    const attached: Attached = { facts, end, over, holders, step: '', lingering: undefined };
    this.#all.set(name, attached);
    over.catch(() => {
      if (this.#all.get(name) === attached) this.#all.delete(name);
    });
    return attached;
  }

  #linger(name: string, attached: Attached): void {
    const end = (): void => {
      if (this.#all.get(name) === attached) this.#end(name, 'nobody wants it any more');
    };
    attached.lingering = setTimeout(end, limits.attachLingerMs).unref();
  }

  #end(name: string, why: string): void {
    const attached = this.#all.get(name);
    this.#all.delete(name);
    clearTimeout(attached?.lingering);
    attached?.end.abort(new Failed('releasing', why));
  }
}

const givenUp = (): Failed => new Failed('timeout', 'it was given up');
