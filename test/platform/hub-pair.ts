import { once } from 'node:events';
import { systemClock } from '../../src/platform/clock.ts';
import type { Stream } from '../../src/platform/stream.ts';
import { type Hub, type StreamRequest, streamHub } from '../../src/platform/streams.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { type StreamsConfig, streamsConfig } from '../../src/protocol/streams/stream-table.ts';
import type { Note } from '../../src/runtime/ports.ts';
import { type MemoryLinks, memoryLinks } from '../ports/memory-link.ts';

/** A worker's hub and its head's, with a link that can be cut and made again. */
export type HubPair = {
  readonly worker: Hub;
  readonly head: Hub;
  readonly notes: string[];
  readonly link: MemoryLinks;
  /** Makes a new link; unless told otherwise the old one is cut, and what it held is lost. */
  relink(how?: { readonly cutting: boolean }): void;
  cut(): void;
  /** Another process takes the head's place: it knows nothing of what was. */
  rebornHead(): Hub;
  end(): void;
};

export function hubPair(changes: Partial<StreamsConfig> = {}): HubPair {
  const config = { ...streamsConfig, ...changes };
  const notes: string[] = [];
  const note: Note = (level, path, text, fields) =>
    void notes.push(`${level} ${path} ${text} ${JSON.stringify(fields)}`);
  const clock = systemClock();
  const worker = { is: 'node', role: 'worker', name: 'w1' } as never;
  const head = { is: 'node', role: 'head', name: 'h1' } as never;
  const newHead = () => streamHub({ who: { door: 'worker', id: 'w1' }, note, config });
  const pair = {
    worker: streamHub({ who: { door: 'head', id: 'h1' }, note, config }),
    head: newHead(),
    notes,
    link: memoryLinks({ clock, near: worker, far: head }),
    relink({ cutting } = { cutting: true }) {
      if (cutting) pair.link.cut();
      pair.link = memoryLinks({ clock, near: worker, far: head });
      pair.worker.attach(pair.link.near);
      pair.head.attach(pair.link.far);
    },
    cut() {
      pair.link.cut();
      pair.worker.detach();
      pair.head.detach();
    },
    rebornHead() {
      pair.cut();
      pair.head = newHead();
      return pair.head;
    },
    end() {
      pair.worker.close({ code: 'stopping', text: 'the test is over', retry: true });
      pair.head.close({ code: 'stopping', text: 'the test is over', retry: true });
      pair.link.cut();
    },
  };
  pair.relink();
  return pair;
}

/** Accepts streams of kind `test` at the head, and hands each over. */
export function serving(pair: HubPair, answer: object = {}): Promise<StreamRequest> {
  return new Promise((resolve) => {
    pair.head.serve('test', (request) => {
      request.accept(answer);
      resolve(request);
    });
  });
}

/** The failure that it must end in. */
export async function failureOf(promise: Promise<unknown>): Promise<object> {
  const error: unknown = await promise.then(
    () => new Error('it did not fail'),
    (reason) => reason,
  );
  if (error instanceof Failed) return error.failure;
  throw error;
}

export const failureOfStream = async (stream: Stream): Promise<object> => {
  if (!stream.closed) await once(stream, 'close').catch(() => {});
  return (stream.errored as Failed).failure;
};
