import type { Link } from '../platform/link.ts';
import { type Hub, type StreamLink, streamHub } from '../platform/streams.ts';
import { failure } from '../protocol/errors.ts';
import type { Who } from '../protocol/who.ts';
import type { Note } from '../runtime/ports.ts';

/** The streams of one terminal's link, as the door drives them. */
export type TerminalStreams = {
  /** Takes a stream's frame; throws `Malformed` if it is none. */
  hear(frame: Uint8Array): void;
  /** The link has room again. */
  drained(): void;
  /** The link is gone, and with it all that was under way. */
  closed(why: string): void;
};

/**
 * The streams of one terminal, which share its link with the envelopes: the door hands on the
 * frames that are theirs. They end with the link; what was under way is asked for again by offset.
 */
export function terminalStreams(
  link: Link,
  who: Who,
  note: Note,
  serve: (hub: Hub) => void,
): TerminalStreams {
  let hear: (frame: Uint8Array) => void = () => {};
  let drained = (): void => {};
  let closed: (why: string) => void = () => {};
  const part: StreamLink = {
    send: (frame) => link.send(frame),
    get bufferedBytes() {
      return link.bufferedBytes;
    },
    close: (why) => link.close(why),
    onFrame: (then) => {
      hear = then;
    },
    onDrain: (then) => {
      drained = then;
    },
    onClosed: (then) => {
      closed = then;
    },
  };
  const hub = streamHub({ who, note });
  serve(hub);
  hub.attach(part);
  return {
    hear: (frame) => hear(frame),
    drained: () => drained(),
    closed: (why) => {
      closed(why);
      hub.close(failure('unreachable', why));
    },
  };
}
