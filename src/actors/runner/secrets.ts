import type { Order } from '../../protocol/attempt.ts';
import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Spec } from '../../protocol/model.ts';
import type { Clock, Millis } from '../../runtime/ports.ts';
import type { AttemptKey, ImageLogin } from '../ports.ts';

/** Values by the names of their secrets. They are in no state, effect or event of a runner. */
export type Secrets = Readonly<Record<string, string>>;

type Needs = {
  readonly clock: Clock;
  readonly secrets: (key: AttemptKey) => Promise<Secrets>;
};

type As = NonNullable<Spec['secrets']>[number]['as'];

const wanted = ({ spec }: Order, as: As) => (spec.secrets ?? []).filter((each) => each.as === as);

const needs = (order: Order, as: As | 'login'): boolean =>
  as === 'login' ? Boolean(order.spec.containerLogin) : wanted(order, as).length > 0;

/**
 * The secrets that an attempt needs in that form, asked for only if it needs any. A head that does
 * not answer is asked again for as long as the attempt waits; what it refuses is a `Failed`.
 */
export async function secretsFor(
  { clock, secrets }: Needs,
  order: Order,
  as: As | 'login',
  signal: AbortSignal,
): Promise<Secrets> {
  if (!needs(order, as)) return {};
  const { job, attempt, rank } = order;
  for (;;) {
    try {
      return await secrets({ job, attempt, rank });
    } catch (error) {
      if (!(error instanceof Failed) || !error.failure.retry || signal.aborted) throw error;
    }
    await pause(clock, limits.secretsAgainMs);
    if (signal.aborted) throw new Failed('timeout', 'it was given up');
  }
}

const pause = (clock: Clock, ms: Millis): Promise<void> =>
  new Promise((resolve) => clock.timer(ms, resolve));

export const secretVariables = (order: Order, secrets: Secrets): Record<string, string> =>
  Object.fromEntries(wanted(order, 'env').map(({ name, to }) => [to, secrets[name] ?? '']));

export const secretFiles = (
  order: Order,
  secrets: Secrets,
): readonly { readonly path: string; readonly text: string }[] =>
  wanted(order, 'file').map(({ name, to }) => ({ path: to, text: secrets[name] ?? '' }));

/** What the job's image is to be pulled by; undefined: it does not say. */
export async function loginFor(
  ports: Needs,
  order: Order,
  signal: AbortSignal,
): Promise<ImageLogin | undefined> {
  const { containerLogin: name = '' } = order.spec;
  if (name === '') return undefined;
  return { name, text: (await secretsFor(ports, order, 'login', signal))[name] ?? '' };
}
