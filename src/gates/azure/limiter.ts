import { limits } from '../../protocol/limits.ts';
import { hearOut } from './faults.ts';

type Request = { readonly abortSignal?: unknown };
type Response = {
  readonly status: number;
  readonly bodyAsText?: string | null;
  readonly headers: { get(name: string): string | undefined };
};

const RETRY_MS = ['retry-after-ms', 'x-ms-retry-after-ms'];

/**
 * How many requests of one site are under way, and when the next may go: what Azure asks of one of
 * them, all of them keep to. It stands below what repeats requests, so that repetitions wait too.
 */
export class Limiter {
  readonly name = 'swmLimiter';
  #running = 0;
  #notBefore = 0;
  readonly #waiting: (() => void)[] = [];

  /** Milliseconds until the site wants to be asked again; 0: it may be asked now. */
  pauseMs(): number {
    return Math.max(0, this.#notBefore - performance.now());
  }

  async sendRequest<Q extends Request, A extends Response>(
    request: Q,
    next: (request: Q) => Promise<A>,
  ): Promise<A> {
    const signal = request.abortSignal as AbortSignal | undefined;
    await this.#turn(signal);
    try {
      await this.#quiet(signal);
      const response = await next(request);
      if (response.status === 429 || response.status === 503) this.#heed(response);
      if (response.status >= 400) hearOut(request, response.bodyAsText);
      return response;
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #turn(signal: AbortSignal | undefined): Promise<void> {
    while (this.#running >= limits.azureRequestsMax) {
      await orAborted(signal, (go) => {
        this.#waiting.push(go);
        return () => this.#leave(go);
      });
    }
    this.#running += 1;
  }

  /** Whoever gives up hands its turn on, if it was just given one. */
  #leave(go: () => void): void {
    const at = this.#waiting.indexOf(go);
    if (at >= 0) this.#waiting.splice(at, 1);
    else this.#waiting.shift()?.();
  }

  async #quiet(signal: AbortSignal | undefined): Promise<void> {
    for (let ms = this.pauseMs(); ms > 0; ms = this.pauseMs())
      await orAborted(signal, (go) => {
        const timer = setTimeout(go, ms);
        return () => clearTimeout(timer);
      });
  }

  #heed({ headers }: Response): void {
    const ms = RETRY_MS.map((name) => Number(headers.get(name))).find((each) => each > 0);
    const wait = ms ?? retryAfterMs(headers.get('retry-after'));
    if (wait > 0) this.#notBefore = Math.max(this.#notBefore, performance.now() + wait);
  }
}

/** What a header `Retry-After` says: seconds, or a date; what is neither asks for nothing. */
export function retryAfterMs(text: string | undefined): number {
  if (text === undefined) return 0;
  const seconds = Number(text);
  return Number.isFinite(seconds) ? seconds * 1000 : Date.parse(text) - Date.now() || 0;
}

/** Waits for something that `begin` starts, and gives how to stop it. */
function orAborted(
  signal: AbortSignal | undefined,
  begin: (go: () => void) => () => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (): void => {
      stop();
      reject(new DOMException('it was given up', 'AbortError'));
    };
    const stop = begin(() => {
      signal?.removeEventListener('abort', refuse);
      resolve();
    });
    if (signal?.aborted === true) refuse();
    else signal?.addEventListener('abort', refuse, { once: true });
  });
}
