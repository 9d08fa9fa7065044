import { streamTo } from '../../platform/forwards.ts';
import { passOn } from '../../platform/relay.ts';
import type { Hub, StreamHandler, StreamRequest } from '../../platform/streams.ts';
import { Failed, Malformed } from '../../protocol/errors.ts';
import { execFrames } from '../../protocol/exec-frame.ts';
import type { Who } from '../../protocol/who.ts';

type Lead = {
  readonly node: string;
  readonly hub: (node: string) => Hub | undefined;
  /** Notes that a line is typed there: many nodes have no audit of their own. */
  readonly noted: (who: Who, node: string, line: string) => void;
};

/** The frame that has what was typed; see shell.ts. */
const LINE = 'L';

/** A shell on the node that was named: here, or led there by a stream of kind `shell.open`. */
export const serveAnyShell =
  (own: StreamHandler, { node, hub, noted }: Lead): StreamHandler =>
  async (request) => {
    const { node: wanted = node, ...body } = request.body as Readonly<Record<string, unknown>>;
    if (typeof wanted !== 'string') throw new Malformed('$.node', 'the name of a node');
    if (wanted === node) return own(request);
    const { who, stream } = request;
    if (who.door !== 'operator')
      throw new Failed('forbidden', 'only operators may look inside a node');
    const to = { hubOf: hub, node: wanted, isOver: () => stream.destroyed };
    const next = await streamTo(to, 'shell.open', { ...body, user: who.id });
    tapped(request, (line) => noted(who, wanted, line));
    await passOn(request, next);
  };

/** Hears each line that goes over a stream to whoever it is led to. */
function tapped({ stream }: StreamRequest, heard: (line: string) => void): void {
  const frames = execFrames();
  stream.on('data', (piece: Uint8Array) => {
    try {
      for (const { kind, bytes } of frames(piece))
        if (kind === LINE) heard(new TextDecoder().decode(bytes));
    } catch (error) {
      stream.destroy(error as Error);
    }
  });
}

/** The side that is led to: only heads may ask, and they have looked at who wants it. */
export const serveLentShell =
  (own: StreamHandler): StreamHandler =>
  (request) => {
    const { user, ...body } = request.body as Readonly<Record<string, unknown>>;
    if (request.who.door !== 'head') throw new Failed('forbidden', 'heads alone may ask for that');
    if (typeof user !== 'string') throw new Malformed('$.user', 'a text');
    return own({ ...request, body, who: { door: 'operator', id: user } });
  };
