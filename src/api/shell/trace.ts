import { Malformed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Message } from '../../protocol/messages.ts';
import { LEADER, type Ref } from '../../protocol/ref.ts';
import type { Who } from '../../protocol/who.ts';
import type { AnyEffect } from '../../runtime/actor.ts';
import type { Node } from '../../runtime/node.ts';
import type { PlayedTurn } from '../../runtime/traces.ts';

/** A turn in words: what was heard, from which phase it led to which, and what it asked for. */
type Row = {
  readonly at: string;
  readonly heard: string;
  readonly phase: string;
  readonly asked: readonly string[];
};

/**
 * The next turns of an actor, also of one that is not there yet, until they are so many or so much
 * time has passed. Nothing of what messages carry is shown: that may be a secret.
 */
export function trace(node: Node, path: unknown, wanted: unknown): Promise<readonly Row[]> {
  if (typeof path !== 'string') throw new Malformed('$.path', 'the path of an actor');
  const { seconds = 10, turns = 100 } = Object(wanted) as Readonly<Record<string, unknown>>;
  const ms = 1_000 * upTo('seconds', seconds, limits.shellTraceMsMax / 1_000);
  const count = upTo('turns', turns, limits.shellTraceTurnsMax);
  return new Promise((resolve) => {
    const rows: Row[] = [];
    const done = (): void => {
      clearTimeout(late);
      cancel();
      resolve(rows);
    };
    const cancel = node.traces.on(path, (turn) => {
      rows.push(rowOf(turn));
      if (rows.length === count) done();
    });
    const late = setTimeout(done, ms).unref();
  });
}

function upTo(field: string, value: unknown, max: number): number {
  if (typeof value === 'number' && value > 0 && value <= max) return Math.max(1e-3, value);
  throw new Malformed(`$.${field}`, `more than 0, and ${max} at most`);
}

function rowOf({ at, event, before, state, effects }: PlayedTurn): Row {
  const moved = before !== undefined && before.phase !== state.phase;
  return {
    at: new Date(at).toISOString(),
    heard: heardOf(event as Heard),
    phase: moved ? `${before.phase} → ${state.phase}` : state.phase,
    asked: effects.map(effectOf),
  };
}

/** What events have in common that are told in words. */
type Heard = {
  readonly is: string;
  readonly message?: Message;
  readonly who?: Who | Ref;
  readonly task?: string;
  readonly name?: string;
  readonly key?: string;
  readonly failure?: { readonly code: string };
};

function heardOf({ is, message, who, task, name, key, failure }: Heard): string {
  const from = who !== undefined && 'door' in who ? `by ${who.door} ${who.id}` : '';
  const down = who !== undefined && 'path' in who ? placeOf(who) : '';
  const keyed = key ? `(${key})` : '';
  return [is, message?.name, from, down, task, name, keyed, failure?.code]
    .filter(Boolean)
    .join(' ');
}

/** What it was asked to do, to whom and by which message. */
function effectOf(effect: AnyEffect): string {
  switch (effect.do) {
    case 'tell':
    case 'ask':
      return `${effect.do} ${placeOf(effect.to)} ${effect.message.name}`;
    case 'run':
      return `run ${effect.task}${effect.key ? ` (${effect.key})` : ''}`;
    case 'after':
      return `after ${effect.ms} ms ${(effect.event as { readonly is: string }).is}`;
    case 'refuse':
      return `refuse ${effect.failure.code}`;
    case 'watch':
      return `watch ${placeOf(effect.who)}`;
    case 'spawn':
    case 'respawn':
    case 'halt':
      return `${effect.do} ${effect.name}`;
    case 'reply':
    case 'note':
    case 'stop':
      return effect.do;
  }
}

const placeOf = ({ node, path }: Ref): string => (node === LEADER ? path : `${node}${path}`);
