import { describe, expect, it } from 'vitest';
import { neverFits, type Picture } from '../../src/actors/scheduler/fit.ts';
import type { Spec } from '../../src/protocol/model.ts';
import { freeze } from '../sim/watching.ts';
import { idOf, job, NOW, node, passed, resources, seen, site } from './pictures.ts';
import { spec } from './things.ts';

/** Where each job goes, or why it does not; `!` before what could never be. */
function told(picture: Picture): readonly string[] {
  const { proposals, reasons, impossible } = passed(freeze(picture), NOW);
  return picture.waiting.map(({ id }) => {
    const found = proposals.find((p) => p.id === id)?.placement;
    if (found) return `${found.cluster}: ${found.nodes.join(' ')}`;
    return reasons[id] ?? `! ${impossible[id]}`;
  });
}

describe('a job', () => {
  it('goes to the fullest node that has room for it', () => {
    const nodes = [node('big', 8), node('small', 2), node('full', 4, { free: resources(0) })];
    expect(told(seen([job(1)], { nodes }))).toEqual(['here: small']);
    expect(told(seen([job(1, { cpus: 3 })], { nodes }))).toEqual(['here: big']);
  });

  it('goes before others by its priority, then by when it came', () => {
    const waiting = [job(1), job(2), job(3, { priority: 5 }), job(4, {}, { submittedAt: 0 })];
    const nodes = [node('n1', 3)];
    const reason = 'needs 1 node with 1 cpu; 0 free now';
    expect(told(seen(waiting, { nodes }))).toEqual(['here: n1', reason, 'here: n1', 'here: n1']);
  });

  it('is not kept from its place by those before it that have none', () => {
    const waiting = [job(1, { cpus: 2 }), job(2, { cpus: 2 }), job(3)];
    const nodes = [node('n1', 2), node('n2', 1)];
    expect(told(seen(waiting, { nodes }))).toEqual([
      'here: n1',
      'needs 1 node with 2 cpus; 0 free now',
      'here: n2',
    ]);
  });

  it('waits until it may be tried again', () => {
    expect(told(seen([job(1, {}, { notBefore: NOW + 1 })]))).toEqual([
      `tries again at ${new Date(NOW + 1).toISOString()}`,
    ]);
    expect(told(seen([job(1, {}, { notBefore: NOW })]))).toEqual(['here: n1']);
  });

  it('gets all its nodes of one cluster, or none', () => {
    const nodes = [node('a1', 1, { cluster: 'a' }), node('b1', 1), node('b2', 1)];
    expect(told(seen([job(1, { nodes: 2 })], { nodes }))).toEqual(['here: b1 b2']);
    expect(told(seen([job(1, { nodes: 3 })], { nodes }))).toEqual([
      '! needs 3 nodes with 1 cpu; 2 of the 3 nodes here ever could',
    ]);
  });

  it('does not share a port with another on one node', () => {
    const ports = [{ port: 8888, protocol: 'tcp', direction: 'in' } as const];
    const reason = 'needs 1 node with 1 cpu; 0 free now; port 8888 is in use by another job';
    expect(told(seen([job(1, { ports }), job(2, { ports })]))).toEqual(['here: n1', reason]);
    // One is listened on for the job, at the same address.
    const out = [{ ...ports[0]!, direction: 'out' as const }];
    for (const other of [out, ports]) {
      const both = [job(1, { ports: out }), job(2, { ports: other })];
      expect(told(seen(both))).toEqual(['here: n1', reason]);
    }
  });

  it('is told what is missing, and waits for a node that is only silent', () => {
    const nodes = [node('n1', 2), node('gpu', 2, { up: false, total: resources(2, 1) })];
    expect(told(seen([job(1, { gpus: 1 })], { nodes }))).toEqual([
      'needs 1 node with 1 cpu, 1 gpu; 0 free now',
    ]);
    expect(told(seen([job(1, { gpus: 2 })], { nodes }))).toEqual([
      '! needs 1 node with 1 cpu, 2 gpus; 0 of the 2 nodes here ever could',
    ]);
    expect(told(seen([job(1)], { nodes: [] }))).toEqual(['no node is up']);
  });
});

describe('a site', () => {
  it('makes a cluster for a job that asks for one', () => {
    const { proposals } = passed(seen([job(7, { relocatable: true, nodes: 2 })]), NOW);
    expect(proposals).toEqual([
      {
        id: idOf(7),
        attempt: 1,
        placement: {
          cluster: 'swm-00000007',
          nodes: ['swm-00000007-0', 'swm-00000007-1'],
          made: { remote: 'cloud', flavor: 'small', image: 'host', price: 0.1 },
          resources: { cpus: 1, memoryBytes: 0, gpus: 0 },
          ports: [],
        },
      },
    ]);
  });

  const asks: readonly (readonly [asked: Partial<Spec>, flavor: string])[] = [
    [{ relocatable: true }, 'small'],
    [{ relocatable: true, cpus: 3 }, 'large'],
    [{ flavor: 'cheap' }, 'cheap'],
    [{ cloudImage: 'host' }, 'small'],
  ];
  it.each(asks)('gives %j the flavor %s', (asked, name) => {
    const [found] = passed(seen([job(1, asked)]), NOW).proposals;
    expect(found?.placement.made?.flavor).toBe(name);
  });

  it('without a default gives the cheapest that suffices', () => {
    const sites = [site({ defaultFlavor: '' })];
    const [found] = passed(seen([job(1, { relocatable: true })], { sites }), NOW).proposals;
    expect(found?.placement.made?.flavor).toBe('cheap');
  });

  it('without a default chooses itself what it boots, but not for one that says it', () => {
    const sites = [site({ defaultImage: '' })];
    const jobs = [job(1, { relocatable: true }), job(2, { cloudImage: 'host' })];
    const images = passed(seen(jobs, { sites }), NOW).proposals.map((p) => p.placement.made?.image);
    expect(images).toEqual(['', 'host']);
    const moon = seen([job(1, { cloudImage: 'moon' })], { sites });
    expect(told(moon)).toEqual(['! cloud has no image moon']);
  });

  it.each([
    [{ flavor: 'huge' }, '! cloud has no flavor huge'],
    [{ cloudImage: 'moon' }, '! cloud has no image moon'],
    [{ flavor: 'small', cpus: 3 }, '! asks for 3 cpus, but small has 2 cpus, 8192 MiB'],
    [
      { relocatable: true, gpus: 1 },
      '! asks for 1 cpu, 1 gpu, more than any flavor of cloud ' +
        '(the largest, large, has 8 cpus, 8192 MiB)',
    ],
    [
      { relocatable: true, nodes: 5 },
      '! needs 5 × small (10 cpus) at cloud, which has 8 cpus in all',
    ],
  ])('can never do %j', (asked, why) => {
    expect(told(seen([job(1, asked)]))).toEqual([why]);
  });

  it('takes no more clusters and cpus than it has', () => {
    const three = [1, 2, 3].map((n) => job(n, { relocatable: true }));
    expect(told(seen(three))[2]).toBe(
      'needs 1 × small (2 cpus) at cloud; 2 of its 2 clusters are in use',
    );
    const large = [job(1, { flavor: 'large' }), job(2, { relocatable: true })];
    expect(told(seen(large))[1]).toBe(
      'needs 1 × small (2 cpus) at cloud; 0 of its 8 cpus are free',
    );
    expect(told(seen([job(1, { relocatable: true })], { sites: [] }))).toEqual([
      '! no site is configured that could make a cluster for it',
    ]);
    const silent = [site({ flavors: [] })];
    expect(told(seen([job(1, { relocatable: true })], { sites: silent }))).toEqual([
      'cloud has not told its flavors yet',
    ]);
  });

  it('takes other jobs only when the nodes are full, and only if it may', () => {
    const two = [job(1, { cpus: 2 }), job(2)];
    expect(told(seen(two))[1]).toBe('needs 1 node with 1 cpu; 0 free now');
    expect(told(seen(two, { relocate: 'when-full' }))[1]).toBe('swm-00000002: swm-00000002-0');
    const never = [job(1, { cpus: 9 })];
    const full = { relocate: 'when-full', sites: [site({ clusters: 2 })] } as const;
    expect(told(seen([job(1, { cpus: 3 })], full))).toEqual([
      'needs 1 node with 3 cpus; 0 of the 1 nodes here ever could; ' +
        'needs 1 × large (8 cpus) at cloud; 2 of its 2 clusters are in use',
    ]);
    expect(told(seen(never, full))[0]).toMatch(/^! /);
  });
});

describe('what could never run', () => {
  it('does not depend on what is in use, or silent, now', () => {
    const busy = seen([], {
      nodes: [node('n1', 2, { free: resources(0), up: false, ports: [80] })],
      sites: [site({ clusters: 2, cpus: 8 })],
    });
    const ports = [{ port: 80, protocol: 'tcp', direction: 'in' } as const];
    expect(neverFits(busy, spec({ cpus: 2, ports }))).toBe('');
    expect(neverFits(busy, spec({ relocatable: true }))).toBe('');
    expect(neverFits(busy, spec({ cpus: 3 }))).toContain('ever could');
  });
});

describe('a job with a budget', () => {
  const asks = (budget: number, nodes = 1) =>
    job(1, { relocatable: true, flavor: 'small', budget, nodes });
  const dear =
    'its budget of 0.003 does not pay for the first 60 s of 2 × small at cloud, which cost 0.0033';

  it('that does not pay for the first unit of time is impossible', () => {
    expect(passed(seen([asks(0.003, 2)]), NOW).impossible).toEqual({ [idOf(1)]: dear });
    expect(passed(seen([asks(0.003)]), NOW).proposals).toHaveLength(1);
    expect(passed(seen([asks(0, 2)]), NOW).proposals).toHaveLength(1);
  });

  it('goes to another site, or to nodes that cost nothing', () => {
    const there = { sites: [site({ remote: 'dear', unitMs: 3_600_000 }), site()] };
    const [found] = passed(seen([asks(0.003)], there), NOW).proposals;
    expect(found?.placement.made?.remote).toBe('cloud');
    const [given] = passed(seen([job(1, { budget: 1e-6 })]), NOW).proposals;
    expect(given?.placement.made).toBeNull();
  });
});
