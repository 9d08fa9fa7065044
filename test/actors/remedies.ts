import type { Waiting } from '../../src/actors/scheduler/place.ts';
import type { Remedy } from '../../src/protocol/foresight-shapes.ts';
import { parseScript } from '../../src/protocol/jobscript/jobscript.ts';
import type { Spec } from '../../src/protocol/model.ts';
import { Dice } from '../sim/dice.ts';
import { inWorld, newsOf, type Wondering, waits } from './foresight.ts';
import { AT, type World, world } from './worlds.ts';

/** Does what `swm why` names, as a user would, and looks whether the job starts. */

export type Tried = {
  /** Jobs that waited after a pass, and those of them for which a change was named. */
  readonly waited: number;
  readonly named: number;
  /** By directive, or what was done to another job. */
  readonly kinds: ReadonlyMap<string, number>;
  /** Where the named change did not start its job. */
  readonly wrong: readonly string[];
};

/** Plays worlds by dice: in each, every job that waits is asked about. */
export async function tryRemedies(from: number, to: number): Promise<Tried> {
  const kinds = new Map<string, number>();
  const wrong: string[] = [];
  let [waited, named] = [0, 0];
  for (let seed = from; seed < to; seed++) {
    const at = world(new Dice(seed));
    const asked = inWorld(at, AT);
    for (const { id } of at.waiting) {
      if (asked.state.proposed.has(id)) continue;
      waited += 1;
      const { change } = await asked.foresee({ job: id }, AT);
      if (change === null) continue;
      named += 1;
      const kind = change.does === 'ask' ? change.directive : change.does;
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      if (!startsWith(at, id, change))
        wrong.push(`seed ${seed}: ${id} does not start by ${JSON.stringify(change)}`);
    }
  }
  return { waited, named, kinds, wrong };
}

/** The same world once more, with what was named done in it, and the next pass. */
function startsWith(at: World, id: string, change: Remedy): boolean {
  const asked = inWorld(at, AT);
  applied(asked, at, id, change);
  return asked.pass(AT).includes(id);
}

function applied(asked: Wondering, at: World, id: string, change: Remedy): void {
  const { does, job } = change;
  if (does === 'hold') {
    asked.hear('scheduler.job', { id: job ?? '', waits: null }, AT);
    return;
  }
  if (does === 'cancel') {
    const holds = at.holds.filter((hold) => hold.job !== job);
    const gone = at.holds.find((hold) => hold.job === job);
    const nodes = at.nodes.map((node) =>
      gone?.nodes.includes(node.name)
        ? { ...node, free: { ...node.free, cpus: node.free.cpus + gone.resources.cpus } }
        : node,
    );
    for (const news of newsOf({ ...at, holds, nodes })) asked.hear('scheduler.cluster', news, AT);
    return;
  }
  const asks = at.waiting.find((each) => each.id === id) as Waiting;
  asked.hear('scheduler.job', waits({ ...asks, spec: rewritten(asks.spec, change) }), AT);
}

/** As a script with that line would have it: the value is read as scripts are. */
function rewritten(spec: Spec, { directive, value }: Remedy): Spec {
  const line = value === '' ? '' : `#SWM ${directive} ${value === 'yes' ? '' : value}\n`;
  const parsed = parseScript(`#!/bin/sh\n${line}true\n`, 'job');
  if ('errors' in parsed) throw new Error(`${line}: ${JSON.stringify(parsed.errors)}`);
  const asked = parsed.spec as Spec;
  const fields: Readonly<Record<string, readonly (keyof Spec)[]>> = {
    cpus: ['cpus'],
    memory: ['memoryBytes'],
    gpus: ['gpus', 'gpuKind'],
    nodes: ['nodes'],
    time: ['walltimeMs'],
    queue: ['queue'],
    priority: ['priority'],
    constraint: ['constraint'],
    exclusive: ['exclusive'],
    gang: ['gang', 'gangSize'],
  };
  const changed = fields[directive];
  if (changed === undefined) throw new Error(`${directive} is in no world`);
  return { ...spec, ...Object.fromEntries(changed.map((field) => [field, asked[field]])) };
}
