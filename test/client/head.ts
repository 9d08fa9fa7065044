import { terminalDoor } from '../../src/api/terminal.ts';
import { systemClock } from '../../src/platform/clock.ts';
import type { Link } from '../../src/platform/link.ts';
import type { Hub } from '../../src/platform/streams.ts';
import type { Subprotocol } from '../../src/platform/terminals.ts';
import { failure } from '../../src/protocol/errors.ts';
import { type Message, messages, type Name } from '../../src/protocol/messages.ts';
import type { Who } from '../../src/protocol/who.ts';
import type { Effect } from '../../src/runtime/behaviour.ts';
import { nactCells } from '../../src/runtime/cell.ts';
import { family } from '../../src/runtime/family.ts';
import { Node } from '../../src/runtime/node.ts';
import { pool } from '../../src/runtime/pool.ts';
import { MemoryDisk } from '../ports/memory-store.ts';
import { user } from './pipe.ts';

type Told = { readonly message: Message; readonly who: Who; readonly ask: number };

/** What a head answers a call with: a body, a failure, or nothing for as long as it likes. */
export type Play = (told: Told) => object | undefined;

export type HeadOptions = {
  readonly play: Play;
  readonly operator?: boolean;
  readonly serve?: (hub: Hub) => void;
  readonly subprotocol?: Subprotocol;
  /** Whether sessions are let in at all. */
  readonly open?: boolean;
};

type NoTasks = Record<never, never>;

/** nact tells its systems apart by their names. */
let heads = 0;

/** A failure as a play's answer. */
export const refusal = (...args: Parameters<typeof failure>): object => ({
  refused: failure(...args),
});

/** A node with a door for terminals and sessions that answer as a test says. */
export function head({ play, operator = false, serve = () => {}, ...more }: HeadOptions) {
  const told: Told[] = [];
  const notes: string[] = [];
  const session = family({
    behaviour: {
      init: () => ({ phase: 'open' as const }),
      enter: () => [],
      on(state: { readonly phase: 'open' }, event: { readonly is: string }) {
        if (event.is !== 'told') return [state, []];
        const heard = event as unknown as Told;
        told.push(heard);
        const body = play(heard);
        const { ask } = heard;
        const effect: Effect<never, NoTasks> | undefined =
          body === undefined
            ? undefined
            : 'refused' in body
              ? { do: 'refuse', ask, failure: body.refused as never }
              : { do: 'reply', ask, body };
        return [state, effect === undefined ? [] : [effect]];
      },
    },
    hears: Object.keys(messages) as Name[],
    tasks: {},
  });
  const store = new MemoryDisk().open();
  const node = new Node(
    'head-1',
    { sessions: family({ behaviour: pool, hears: [], tasks: {} }), session },
    {
      clock: systemClock(),
      cells: nactCells(`head-${++heads}`),
      stores: { control: store, node: store },
      wire: { send: () => false },
      note: (level, path, text) => notes.push(`${level} ${path} ${text}`),
      leader: () => 'head-1',
    },
  );
  const policy = { max: 3, withinMs: 1_000, backoff: { minMs: 1, maxMs: 10 } };
  const args = { policy: { ...policy, openPerStep: 10 }, family: 'session', live: [] };
  if (more.open !== false) node.open('sessions', '/sessions', args, () => {});
  const door = terminalDoor({ node, isOperator: () => operator, serve });
  return {
    node,
    told,
    notes,
    take: (link: Link) => door(link, user, more.subprotocol ?? 'swm.v1+msgpack'),
  };
}
