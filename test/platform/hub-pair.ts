import { systemClock } from '../../src/platform/clock.ts';
import { type Hub, streamHub } from '../../src/platform/streams.ts';
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
