import type { Phased, Step, TaskTypes } from '../../src/runtime/behaviour.ts';
import type { AnyFamily, Families } from '../../src/runtime/family.ts';
import type { World } from './world.ts';

/** Nobody changes what was handed to it: whoever tries throws, and is found out. */
export function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  if (ArrayBuffer.isView(value) || value instanceof AbortSignal) return value;
  Object.freeze(value);
  const inside = value instanceof Map ? value.values() : Object.values(value);
  for (const part of inside) freeze(part);
  return value;
}

/** Share of the turns that are played twice, to see whether they come to the same. */
const TWICE = 0.02;
const INJECTED = 'an injected crash';

/**
 * The same families, with frozen states and events; some turns are played twice, and must come to
 * the same. Some throw, as a bug would: `crashes` is their share in a family.
 */
export function watched(
  families: Families,
  world: World,
  crashes: (family: string) => number,
): Families {
  const wrap = ([name, family]: [string, AnyFamily]): [string, AnyFamily] => {
    const { init, on, enter } = family.behaviour;
    const behaviour: AnyFamily['behaviour'] = {
      init: (args, now) => freeze(init(freeze(args), now)),
      enter: (state, now) => freeze(enter(state, now)),
      on: (state, event, now) => {
        if (world.dice.chance(crashes(name))) throw new Error(INJECTED);
        const step = freeze(on(state, freeze(event), now));
        if (world.dice.chance(TWICE)) compare(world, name, step, on(state, event, now));
        return step;
      },
    };
    return [name, { ...family, behaviour, tasks: stirring(family.tasks, world) }];
  };
  return Object.fromEntries(Object.entries(families).map(wrap));
}

function compare(
  world: World,
  name: string,
  first: Step<Phased, unknown, TaskTypes>,
  second: Step<Phased, unknown, TaskTypes>,
): void {
  const same = JSON.stringify(first) === JSON.stringify(second);
  world.check('a machine is pure', same, () => `${name} decided twice differently`);
}

/** Whatever a task does, its promises go on before the next event. */
function stirring(tasks: AnyFamily['tasks'], world: World): AnyFamily['tasks'] {
  return Object.fromEntries(
    Object.entries(tasks).map(([name, task]) => [
      name,
      (input, context) => {
        world.stir();
        context.signal.addEventListener('abort', () => world.stir());
        return task(freeze(input) as never, context);
      },
    ]),
  );
}
