import { Failed, type Failure, failure } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { Actor, AnyEffect } from './actor.ts';

/**
 * Does what an effect says. Of a phase already left, only tells, answers and notes are done: what
 * they promise was saved. Everything else would begin what nobody listens to any more. An answer to
 * a question that was not put to this very life is none: its number may be another's by now.
 */
export function perform(actor: Actor, effect: AnyEffect, scope: number): void {
  const { routes, asks, platform } = actor.node;
  switch (effect.do) {
    case 'tell':
      return routes.tell(effect.to, effect.message, effect.as ?? actor.who);
    case 'reply':
      if (actor.asked.delete(effect.ask)) asks.answer(effect.ask, { ok: true, body: effect.body });
      return;
    case 'refuse':
      if (actor.asked.delete(effect.ask))
        asks.answer(effect.ask, { ok: false, failure: effect.failure });
      return;
    case 'note':
      return platform.note(effect.level ?? 'info', actor.path, effect.text, effect.fields);
    default:
      if (scope === actor.scope.id) performInScope(actor, effect);
  }
}

function performInScope(actor: Actor, effect: AnyEffect): void {
  const scope = actor.scope.id;
  const hear = (event: object): void => actor.hear(event, scope);
  switch (effect.do) {
    case 'ask':
      return ask(actor, effect, hear);
    case 'run':
      return run(actor, effect, hear);
    case 'after': {
      const fired = (): void => {
        over();
        hear(effect.event as object);
      };
      const over = actor.scope.until(
        actor.node.platform.clock.timer(Math.max(0, effect.ms), fired),
      );
      return;
    }
    case 'watch': {
      const { who } = effect;
      const down = (why: string): void => {
        over();
        hear({ is: 'down', who, why });
      };
      const over = actor.scope.until(actor.node.routes.watch(who, down));
      return;
    }
    case 'spawn':
      actor.children.spawn(effect.family, effect.name, effect.args);
      return;
    case 'respawn':
      return actor.children.respawn(effect.name);
    case 'halt':
      return actor.children.halt(effect.name, effect.keep);
  }
}

function ask(actor: Actor, effect: AnyEffect & { do: 'ask' }, hear: (event: object) => void): void {
  const { to, message, ms, key = '' } = effect;
  const { name } = message;
  let over = (): void => {};
  const id = actor.node.routes.ask(to, message, ms, effect.as ?? actor.who, (answer) => {
    over();
    if (answer.ok) hear({ is: 'answered', key, name, body: answer.body });
    else hear({ is: 'unanswered', key, failure: answer.failure });
  });
  if (id !== 0) over = actor.scope.until(() => actor.node.asks.drop(id));
}

function run(actor: Actor, effect: AnyEffect & { do: 'run' }, hear: (event: object) => void): void {
  const { task, input, key = '' } = effect;
  const work = actor.family.tasks[task];
  if (work === undefined) throw new Error(`no task ${task}`);
  const abort = new AbortController();
  const over = actor.scope.until(() => abort.abort());
  const context = { signal: abort.signal, emit: hear as never, path: actor.path };
  work(input, context).then(
    (value) => {
      over();
      hear({ is: 'done', task, key, value });
    },
    (error) => {
      over();
      const why = reason(error);
      if (why.code === 'bug' && !abort.signal.aborted)
        actor.node.platform.note('error', actor.path, `task ${task}: ${explain(error)}`);
      hear({ is: 'failed', task, key, failure: why });
    },
  );
}

const reason = (error: unknown): Failure =>
  error instanceof Failed ? error.failure : failure('bug', brief(error));

export const explain = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? String(error)) : String(error);

/** What went wrong in a line that may be shown to others. */
export const brief = (error: unknown): string =>
  (String(error).split('\n', 1)[0] as string).slice(0, limits.whyCharsMax);
