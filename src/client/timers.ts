type Handle = ReturnType<typeof setTimeout>;

/** Timers that end together with whoever set them: nothing is left to keep a program running. */
export class Timers {
  /** What each does if it is ended before its time. */
  readonly #all = new Map<Handle, () => void>();
  #ended = false;

  /** Calls `then` once after `ms`, or `cut` if all are ended before; gives what takes it back. */
  after(ms: number, then: () => void, cut = (): void => {}): () => void {
    if (this.#ended) {
      cut();
      return () => {};
    }
    const handle = setTimeout(() => {
      this.#all.delete(handle);
      then();
    }, ms);
    this.#all.set(handle, cut);
    return () => {
      clearTimeout(handle);
      this.#all.delete(handle);
    };
  }

  /** A pause, and what cuts it short. It is over at once when all timers are ended. */
  sleep(ms: number): { readonly over: Promise<void>; readonly wake: () => void } {
    let wake = (): void => {};
    const over = new Promise<void>((resolve) => {
      const undo = this.after(ms, resolve, resolve);
      wake = () => {
        undo();
        resolve();
      };
    });
    return { over, wake };
  }

  end(): void {
    this.#ended = true;
    for (const [handle, cut] of [...this.#all]) {
      clearTimeout(handle);
      cut();
    }
    this.#all.clear();
  }
}
