import { nearest } from '../../protocol/didyoumean.ts';
import { type Failure, failure } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Body } from '../../protocol/messages.ts';
import type { Who } from '../../protocol/who.ts';
import type { Behaviour, Effect, Step, Told } from '../../runtime/behaviour.ts';
import type { Millis } from '../../runtime/ports.ts';

/** A secret as it is kept: nobody without the authority's key can read it. */
export type Sealed = {
  readonly owner: string;
  readonly name: string;
  readonly sealed: string;
  readonly setAt: Millis;
};

/** The secrets of one owner. */
export type Safe = {
  readonly phase: 'shut';
  readonly owner: string;
  readonly secrets: readonly Sealed[];
};

/** Makes texts unreadable for all but the heads, which have one key. */
export interface Seal {
  /** Another text each time. It opens for that owner and name only. */
  shut(owner: string, name: string, text: string): string;
  /** Throws `Failed`: corrupt, for what was not shut by this key for this owner and name. */
  open(owner: string, name: string, sealed: string): string;
}

/** The owner of what is for everybody's jobs. No user has this for an id. */
export const SHARED = 'shared';

export type SafeHears = 'secret.keep' | 'secret.drop';
type SafeStep = Step<Safe, never, Record<never, never>>;
type SafeEffect = Effect<never, Record<never, never>>;

/** Keeps what it is given, sealed, and gives nothing out: who may, reads the record. */
export const safe: Behaviour<Body<'secret.keep'>, Safe, SafeHears, never, Record<never, never>> = {
  init: ({ owner }) => ({ phase: 'shut', owner, secrets: [] }),
  enter: () => [],
  on: (state, event, now) => (event.is === 'told' ? told(state, event, now) : [state, []]),
};

function told(state: Safe, { message: m, ask, who }: Told<SafeHears>, now: Millis): SafeStep {
  const { name } = m.body;
  const refuse = (why: Failure): SafeStep => [state, [{ do: 'refuse', ask, failure: why }]];
  if (!may(state, who))
    return refuse(failure('forbidden', 'these secrets are not yours to change'));
  const others = state.secrets.filter((each) => each.name !== name);
  const reply: SafeEffect = { do: 'reply', ask, body: { name } };
  if (m.name === 'secret.keep') {
    if (others.length >= limits.secretsMax)
      return refuse(failure('too_large', `there are ${limits.secretsMax} secrets; remove one`));
    const { sealed } = m.body as Body<'secret.keep'>;
    return [
      { ...state, secrets: [...others, { owner: state.owner, name, sealed, setAt: now }] },
      [reply],
    ];
  }
  if (others.length === state.secrets.length)
    return refuse(
      failure(
        'not_found',
        unknownSecret(
          name,
          others.map((each) => each.name),
        ),
      ),
    );
  return [{ ...state, secrets: others }, [reply]];
}

const may = ({ owner }: Safe, { door, id }: Who): boolean =>
  owner === SHARED
    ? door === 'operator'
    : (door === 'terminal' || door === 'operator') && id === owner;

/** Says that there is no such secret, and which may be meant. */
export function unknownSecret(name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  return `there is no secret ${name}${meant === undefined ? '' : `; is ${meant} meant?`}`;
}
