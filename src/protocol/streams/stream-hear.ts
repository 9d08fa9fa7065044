import { failure, Malformed } from '../errors.ts';
import { type StreamEnd, streamEnd } from './stream-end.ts';
import { arrived, credited, endArrived, rewind } from './stream-flow.ts';
import { decodeStreamFrame, encodeStreamFrame, type StreamFrame } from './stream-frame.ts';
import { agreed, forget, type StreamEvent, type Streams, say, settle } from './stream-table.ts';
import { resetStream } from './streams.ts';

/** Takes a frame of this link. Throws `Malformed` if it is none: the link is then of no use. */
export function hear(all: Streams, bytes: Uint8Array, now: number): readonly StreamEvent[] {
  all.now = now;
  const frame = decodeStreamFrame(bytes);
  const end = all.ends.get(frame.id);
  if (!end) return frame.is === 'open' ? opened(all, frame) : strange(all, frame);
  try {
    const events = play(all, end, frame);
    settle(all, end);
    return events;
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    const why = failure('malformed', `the stream’s rules were broken: ${error.message}`);
    resetStream(all, end, why, now);
    return [{ is: 'reset', end, failure: why }];
  }
}

function play(all: Streams, end: StreamEnd, frame: StreamFrame): readonly StreamEvent[] {
  switch (frame.is) {
    case 'open':
      if (end.opener) throw new Malformed('$.id', 'an id of its own');
      end.owes.accept = end.answer !== undefined;
      return [];
    case 'accept':
      if (!end.opener) throw new Malformed('$.is', 'no accept from the opener');
      if (end.answer !== undefined) return [];
      end.answer = frame.body;
      end.out.window = agreed(all, frame.window, end.in.window);
      // A larger window is room to write, and the peer may give no other sign of it.
      return [
        { is: 'accepted', end },
        { is: 'credit', end },
      ];
    case 'data': {
      const bytes = arrived(end.in, frame.offset, frame.bytes);
      return bytes ? [{ is: 'data', end, bytes }] : [];
    }
    case 'end':
      return endArrived(end.in, frame.offset) ? [{ is: 'ended', end }] : [];
    case 'credit':
      credited(end.out, frame.offset);
      return [{ is: 'credit', end }];
    case 'reset':
      forget(all, end);
      return [{ is: 'reset', end, failure: frame.failure }];
    case 'resume':
      resume(end, frame.offset);
      return [];
  }
}

/** Only the first on a link counts: a later one tells of the past. */
function resume(end: StreamEnd, offset: number): void {
  if (!end.resumed) {
    end.resumed = true;
    end.owes.resume = true;
  }
  if (end.synced) return;
  rewind(end.out, offset);
  end.synced = true;
  end.cutAt = undefined;
}

function opened(all: Streams, frame: Extract<StreamFrame, { is: 'open' }>): readonly StreamEvent[] {
  const { id, kind, body, window } = frame;
  const grave = all.graves.get(id);
  if (grave) {
    say(all, id, grave.word);
    return [];
  }
  if (all.ends.size >= all.config.streamsMax) {
    const why = failure('busy', `${all.ends.size} streams are open, which is the limit`);
    say(all, id, encodeStreamFrame({ is: 'reset', id, failure: why }));
    return [];
  }
  const base = all.config.windowBytes;
  const end = streamEnd({ id, kind, body, opener: false }, base, base, undefined);
  end.peerWindow = window;
  all.ends.set(id, end);
  return [{ is: 'opened', end }];
}

/** A frame for a stream that is not here: over, or of a former life of this process. */
function strange(all: Streams, frame: StreamFrame): readonly StreamEvent[] {
  if (frame.is === 'reset' || frame.is === 'accept') return [];
  const grave = all.graves.get(frame.id);
  if (grave && frame.is !== 'resume') return [];
  const why = failure('lost', 'the other side knows nothing of this stream; it was restarted');
  const { id } = frame;
  say(all, id, grave?.word ?? encodeStreamFrame({ is: 'reset', id, failure: why }));
  return [];
}
