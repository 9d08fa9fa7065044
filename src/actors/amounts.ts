import type { Resources } from '../protocol/model.ts';

/** Counting with what nodes have and jobs take. */

export const covers = (have: Resources, want: Resources): boolean =>
  have.cpus >= want.cpus &&
  have.memoryBytes >= want.memoryBytes &&
  have.gpus >= want.gpus &&
  (want.named === undefined || hasNamed(have.named, want.named));

type Named = NonNullable<Resources['named']>;

function hasNamed(have: Resources['named'], want: Named): boolean {
  for (const name in want) if (of(have, name) < of(want, name)) return false;
  return true;
}

/** Names come from scripts: what every object has is not meant. */
const of = (named: Resources['named'], name: string): number =>
  named !== undefined && Object.hasOwn(named, name) ? (named[name] ?? 0) : 0;

export const minus = (a: Resources, b: Resources): Resources => added(a, b, -1);
export const plus = (a: Resources, b: Resources): Resources => added(a, b, 1);

function added(a: Resources, b: Resources, sign: 1 | -1): Resources {
  const sum = {
    cpus: a.cpus + sign * b.cpus,
    memoryBytes: a.memoryBytes + sign * b.memoryBytes,
    gpus: a.gpus + sign * b.gpus,
  };
  if (b.named === undefined) return a.named === undefined ? sum : { ...sum, named: a.named };
  const named: Named = { ...a.named };
  for (const name in b.named) named[name] = of(named, name) + sign * of(b.named, name);
  return { ...sum, named };
}

/** What all of some have. */
export const least = (all: readonly Resources[]): Resources =>
  all.reduce((a, b) => {
    const names = Object.keys(a.named ?? {}).filter((name) => of(b.named, name) > 0);
    const both = names.map((name) => [name, Math.min(of(a.named, name), of(b.named, name))]);
    return {
      cpus: Math.min(a.cpus, b.cpus),
      memoryBytes: Math.min(a.memoryBytes, b.memoryBytes),
      gpus: Math.min(a.gpus, b.gpus),
      ...(both.length > 0 && { named: Object.fromEntries(both) as Named }),
    };
  });

export const same = (a: Resources, b: Resources): boolean =>
  a === b ||
  (a.cpus === b.cpus &&
    a.memoryBytes === b.memoryBytes &&
    a.gpus === b.gpus &&
    (a.named === b.named || (covers(a, b) && covers(b, a))));
