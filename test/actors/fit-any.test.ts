import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { neverFits, type Picture } from '../../src/actors/scheduler/fit.ts';
import type { Waiting } from '../../src/actors/scheduler/place.ts';
import { freeze } from '../sim/watching.ts';
import { job, NOW, passed, resources, site } from './pictures.ts';

const specs = fc.record({
  cpus: fc.integer({ min: 0, max: 5 }),
  gpus: fc.integer({ min: 0, max: 1 }),
  nodes: fc.integer({ min: 1, max: 3 }),
  priority: fc.integer({ min: -1, max: 1 }),
  relocatable: fc.boolean(),
  ports: fc
    .constantFrom([], [80], [80, 81])
    .map((list) => list.map((port) => ({ port, protocol: 'tcp', direction: 'in' }) as const)),
});
const waits = fc.array(
  fc.tuple(specs, fc.integer({ min: 0, max: 3 }), fc.constantFrom(0, NOW + 5)),
  { maxLength: 20 },
);
const nodesOf = fc.array(
  fc.record({
    cluster: fc.constantFrom('here', 'there'),
    up: fc.boolean(),
    total: fc.integer({ min: 1, max: 6 }),
    used: fc.integer({ min: 0, max: 6 }),
    gpus: fc.integer({ min: 0, max: 1 }),
    ports: fc.constantFrom([], [80]),
  }),
  { maxLength: 5 },
);
const pictures = fc
  .record({
    waits,
    nodesOf,
    sites: fc.array(
      fc.record({
        clusters: fc.integer({ min: 0, max: 2 }),
        cpus: fc.integer({ min: 0, max: 8 }),
      }),
      { maxLength: 2 },
    ),
    relocate: fc.constantFrom('asked' as const, 'when-full' as const),
  })
  .map(
    ({ waits: list, nodesOf: given, sites, relocate }): Picture => ({
      relocate,
      warm: [],
      waiting: list.map(([asked, submittedAt, notBefore], n) =>
        job(n, asked, { submittedAt, notBefore }),
      ),
      nodes: given.map(({ total, used, gpus, ...rest }, n) => ({
        ...rest,
        name: `n${n}`,
        total: resources(total, gpus),
        free: resources(Math.max(0, total - used), gpus),
      })),
      sites: sites.map((used, n) => site({ ...used, remote: `cloud${n}` })),
    }),
  );

/** By priority, then by when they came. */
const firstFirst = (a: Waiting, b: Waiting): number =>
  b.spec.priority - a.spec.priority || a.submittedAt - b.submittedAt || (a.id < b.id ? -1 : 1);

describe('a pass over anything', () => {
  it('says something of each job that waits, and only one thing', () => {
    fc.assert(
      fc.property(pictures, (picture) => {
        const { proposals, reasons, impossible } = passed(freeze(picture), NOW);
        const said = [...proposals.map(({ id }) => id), ...Object.keys(reasons)];
        const all = [...said, ...Object.keys(impossible)];
        expect(all.toSorted()).toEqual(picture.waiting.map(({ id }) => id).toSorted());
        for (const text of [...Object.values(reasons), ...Object.values(impossible)])
          expect(text).not.toBe('');
      }),
    );
  });

  it('never takes more of a node, or of a site, than is free, nor a port twice', () => {
    fc.assert(
      fc.property(pictures, (picture) => {
        const { proposals } = passed(picture, NOW);
        for (const n of picture.nodes) {
          const on = proposals.filter(({ placement: p }) => p.nodes.includes(n.name));
          const cpus = on.reduce((sum, { placement }) => sum + placement.resources.cpus, 0);
          const gpus = on.reduce((sum, { placement }) => sum + placement.resources.gpus, 0);
          const ports = [...n.ports, ...on.flatMap(({ placement }) => placement.ports)];
          expect(cpus).toBeLessThanOrEqual(n.up ? n.free.cpus : 0);
          expect(gpus).toBeLessThanOrEqual(n.free.gpus);
          expect(new Set(ports).size).toBe(ports.length);
        }
        for (const s of picture.sites) {
          const at = proposals.filter(({ placement: p }) => p.made?.remote === s.remote);
          const cpus = at.reduce((sum, { placement: { made, nodes } }) => {
            const found = s.flavors.find(({ name }) => name === made?.flavor);
            return sum + nodes.length * (found?.resources.cpus ?? Number.NaN);
          }, s.cpus);
          if (at.length === 0) continue;
          expect(cpus).toBeLessThanOrEqual(s.cpusMax);
          expect(s.clusters + at.length).toBeLessThanOrEqual(s.clustersMax);
        }
      }),
    );
  });

  it('gives each job what it asks for', () => {
    fc.assert(
      fc.property(pictures, (picture) => {
        for (const { id, attempt, placement } of passed(picture, NOW).proposals) {
          const asking = picture.waiting.find((w) => w.id === id) as Waiting;
          expect(asking.notBefore).toBeLessThanOrEqual(NOW);
          expect(attempt).toBe(asking.attempt);
          const { cpus, memoryBytes, gpus, ports } = asking.spec;
          expect(placement.resources).toEqual({ cpus: Math.max(1, cpus), memoryBytes, gpus });
          expect(placement.ports).toEqual(ports.map(({ port }) => port));
          expect(new Set(placement.nodes).size).toBe(asking.spec.nodes);
          const clusters = picture.nodes.filter((n) => placement.nodes.includes(n.name));
          if (placement.made === null)
            expect(new Set(clusters.map(({ cluster }) => cluster))).toEqual(
              new Set([placement.cluster]),
            );
        }
      }),
    );
  });

  it('gives nobody what somebody before him asked for as well, and got not', () => {
    fc.assert(
      fc.property(pictures, (picture) => {
        const { proposals } = passed(picture, NOW);
        const got = new Set(proposals.map(({ id }) => id));
        const sorted = [...picture.waiting]
          .sort(firstFirst)
          .filter(({ notBefore }) => notBefore === 0);
        const asks = ({ spec: asked }: Waiting) => JSON.stringify({ ...asked, priority: 0 });
        for (const [at, later] of sorted.entries())
          if (got.has(later.id))
            for (const before of sorted.slice(0, at))
              if (asks(before) === asks(later)) expect(got.has(before.id)).toBe(true);
      }),
    );
  });

  it('comes to the same, in whatever order the jobs are told', () => {
    fc.assert(
      fc.property(pictures, (picture) => {
        const first = passed(picture, NOW);
        const turned = { ...picture, waiting: [...picture.waiting].reverse() };
        expect(passed(turned, NOW)).toEqual(first);
      }),
    );
  });

  it('finds no job impossible that has a place', () => {
    fc.assert(
      fc.property(pictures, (picture) => {
        for (const { id } of passed(picture, NOW).proposals) {
          const asking = picture.waiting.find((w) => w.id === id) as Waiting;
          expect(neverFits(picture, asking.spec)).toBe('');
        }
      }),
    );
  });
});
