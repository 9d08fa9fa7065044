import fc from 'fast-check';
import { expect, it } from 'vitest';
import { landOf } from '../../src/actors/scheduler/land.ts';
import { move, roomOn, spotsOf } from '../../src/actors/scheduler/room.ts';
import { Soonest } from '../../src/actors/scheduler/soonest.ts';
import type { FreeNode, Spot } from '../../src/actors/scheduler/spot.ts';
import { defaultPolicy } from '../../src/protocol/policy.ts';
import { resources } from './pictures.ts';

const nodes = (count: number): readonly FreeNode[] =>
  Array.from({ length: count }, (_, i) => {
    const total = resources(1 + (i % 3), 0, 0);
    return { name: `n${i}`, cluster: 'here', up: true, free: total, total, ports: [] };
  });

it('keeps the nodes that have room first, and of those of one instant the first found', () => {
  const instants = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(instants, fc.integer({ min: 1, max: 20 }), (all, most) => {
      const spots = nodes(all.length) as readonly Spot[];
      const soonest = new Soonest(most);
      for (const [i, at] of all.entries())
        if (at < soonest.worst) soonest.add(spots[i] as Spot, at);
      const wanted = all
        .map((at, i) => ({ at, name: `n${i}` }))
        .sort((a, b) => a.at - b.at)
        .slice(0, most);
      expect(soonest.inOrder().map(({ spot, at }) => ({ at, name: spot.name }))).toEqual(wanted);
    }),
  );
});

it('moves few nodes and many to the racks where they belong, and no other', () => {
  for (const count of [1, 8, 9, 40]) {
    const land = landOf('here', nodes(60), []);
    const room = roomOn([land], defaultPolicy, 0);
    const taken = land.spots.slice(5, 5 + count);
    move(room, taken, (spot) => ({ ...spot, free: { ...spot.free, cpus: spot.free.cpus - 1 } }));
    const [cell] = room.cells;
    const after = [...spotsOf(cell!)];
    const names = new Set(taken.map(({ name }) => name));
    expect(after.map(({ name }) => name).sort()).toEqual(land.spots.map(({ name }) => name).sort());
    for (const { name, free, total } of after)
      expect(free.cpus).toBe(total.cpus - (names.has(name) ? 1 : 0));
    for (const [key, rack] of cell!.racks) for (const { free } of rack) expect(free.cpus).toBe(key);
    expect(land.spots.every(({ free, total }) => free === total)).toBe(true);
  }
});
