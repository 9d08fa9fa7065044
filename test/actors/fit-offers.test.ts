import { describe, expect, it } from 'vitest';
import { fit, type Picture } from '../../src/actors/scheduler/fit.ts';
import type { Site, Waiting } from '../../src/actors/scheduler/place.ts';
import { limits } from '../../src/protocol/limits.ts';
import type { Spec } from '../../src/protocol/model.ts';
import { defaultPolicy, type Policy } from '../../src/protocol/policy.ts';
import type { FlavorPast } from '../../src/protocol/repute-shapes.ts';
import { idOf, job, NOW, node, passed, resources, seen, site } from './pictures.ts';

const SECOND = 1_000;
const HOUR = 3_600_000;
type Choose = Policy['clouds']['choose'];

const past = (flavor: string, change: Partial<FlavorPast>): FlavorPast => ({
  ...{ flavor, bootMs: 0, refusals: 0, refusedAt: 0, refusedUntil: 0, why: '' },
  ...change,
});
const refused = (flavor: string, ms = 60 * SECOND) =>
  past(flavor, { refusals: 1, refusedAt: NOW, refusedUntil: NOW + ms, why: 'none are left' });
const policy = (choose: Choose, hourIsWorth = 1): Policy => ({
  ...defaultPolicy,
  clouds: { choose, hourIsWorth },
});
/** A site of one flavor, of two cpus. */
const shop = (remote: string, price: number, change: Partial<Site> = {}): Site => {
  const flavor = { name: 'f', remote, resources: resources(2), storageBytes: 0, price };
  return site({ remote, defaultFlavor: 'f', flavors: [flavor], ...change });
};
const booting = (ms: number) => ({ past: [past('f', { bootMs: ms * SECOND })] });
const asks = (n: number, spec: Partial<Spec> = {}): Waiting =>
  job(n, { relocatable: true, ...spec });

/** Where each job goes: FLAVOR@SITE, or the cluster whose nodes it gets. */
function goes(waiting: Waiting[], change: Partial<Picture>, now = NOW): Record<string, string> {
  const { proposals } = passed(seen(waiting, change), now);
  return Object.fromEntries(
    proposals.map(({ id, placement: { made, cluster } }) => [
      Number(id.slice(0, 8)),
      made === null ? cluster : `${made.flavor}@${made.remote}`,
    ]),
  );
}

describe('of what sites offer a job gets', () => {
  // Dear and soon, in between, cheap and late.
  const sites = [
    shop('dear', 3, booting(10)),
    shop('fair', 1, booting(1_800)),
    shop('cheap', 0.1, booting(7_200)),
  ];
  it.each<[string, Choose, number, Partial<Spec>]>([
    ['f@dear', 'first', 1, {}],
    ['f@cheap', 'cheapest', 1, {}],
    ['f@dear', 'soonest', 1, {}],
    // Of an hour: 3.01, 1.5, 2.1; if waiting is worth more, 3.03, 6, 20; of ten hours the last.
    ['f@fair', 'weighted', 1, {}],
    ['f@dear', 'weighted', 10, {}],
    ['f@cheap', 'weighted', 1, { walltimeMs: 10 * HOUR }],
    ['f@cheap', 'weighted', 0, {}],
    // A bound comes before what the policy prefers.
    ['f@fair', 'soonest', 1, { maxPrice: 2 }],
    ['f@cheap', 'soonest', 1, { maxPrice: 0.2, nodes: 2 }],
    ['f@fair', 'cheapest', 1, { deadlineMs: HOUR }],
    ['f@fair', 'first', 1, { deadlineMs: HOUR, maxPrice: 2 }],
    ['f@dear', 'cheapest', 1, { deadlineMs: 2 * HOUR, walltimeMs: 1.9 * HOUR }],
    ['f@dear', 'cheapest', 1, { deadlineMs: HOUR, walltimeMs: 2 * HOUR }],
  ])('%s, by %s', (expected, choose, worth, spec) => {
    const change = { sites, nodes: [], policy: policy(choose, worth) };
    expect(goes([asks(1, spec)], change)).toEqual({ 1: expected });
  });

  it('the cheapest soon, of two that cost the same; of a site that is new a guess', () => {
    const two = [shop('a', 1), shop('b', 1, booting(limits.bootGuessMs / SECOND - 1))];
    expect(goes([asks(1)], { sites: two, policy: policy('cheapest') })).toEqual({ 1: 'f@b' });
    const other = { past: [past('g', { bootMs: SECOND })] };
    const three = [...two, shop('c', 1, other)];
    expect(goes([asks(1)], { sites: three, policy: policy('cheapest') })).toEqual({ 1: 'f@c' });
  });

  it('nothing, if all is too dear, and never will', () => {
    const { impossible } = passed(seen([asks(1, { maxPrice: 0.15, nodes: 2 })], { sites }), NOW);
    expect(impossible[idOf(1)]).toBe(
      '2 × f at dear cost 6 an hour, more than its max-price of 0.15; ' +
        '2 × f at fair cost 2 an hour, more than its max-price of 0.15; ' +
        '2 × f at cheap cost 0.2 an hour, more than its max-price of 0.15',
    );
  });
});

describe('what its site refused', () => {
  it('is passed over for the next flavor there, or another site, and not before its time', () => {
    const cloud = (...flavors: string[]) => site({ past: flavors.map((name) => refused(name)) });
    const on = (first: Site, now = NOW) => goes([asks(1)], { sites: [first, shop('b', 9)] }, now);
    expect(on(cloud())).toEqual({ 1: 'small@cloud' });
    expect(on(cloud('small'))).toEqual({ 1: 'cheap@cloud' });
    expect(on(cloud('small', 'cheap'))).toEqual({ 1: 'f@b' });
    expect(on(cloud('small', 'cheap'), NOW + 60 * SECOND)).toEqual({ 1: 'small@cloud' });
    // What is far dearer than it need be is none of the next.
    const { reasons } = passed(seen([asks(1)], { sites: [cloud('small', 'cheap')] }), NOW);
    expect(reasons[idOf(1)]).toBe(
      'cloud refused small until 1970-01-01T00:01:01.000Z: none are left; ' +
        'cloud refused cheap until 1970-01-01T00:01:01.000Z: none are left',
    );
    expect(goes([asks(1, { cpus: 8 })], { sites: [cloud('small')] })).toEqual({ 1: 'large@cloud' });
  });

  it('is had in another place of the site, if it is named and its job may go elsewhere', () => {
    const flavors = ['x', 'f@north', 'f', 'ff', 'f@east'].map((name) => ({
      ...site().flavors[0]!,
      name,
    }));
    const at = (spec: Partial<Spec>, ...not: string[]) =>
      goes([job(1, { flavor: 'f', ...spec })], {
        sites: [site({ flavors, past: not.map((name) => refused(name)) })],
      });
    expect(at({ relocatable: true })).toEqual({ 1: 'f@cloud' });
    expect(at({ relocatable: true }, 'f')).toEqual({ 1: 'f@north@cloud' });
    expect(at({ relocatable: true }, 'f', 'f@north')).toEqual({ 1: 'f@east@cloud' });
    expect(at({}, 'f')).toEqual({});
  });

  it('is told of beside what else is in the way, of a few flavors and in few words', () => {
    const names = Array.from({ length: 20 }, (_, n) => `f${n}`);
    const flavors = names.map((name) => ({ ...site().flavors[0]!, name, resources: resources(2) }));
    const why = 'x'.repeat(500);
    const many = site({ flavors, past: names.map((name) => ({ ...refused(name), why })) });
    const full = shop('full', 1, { clustersMax: 1, clusters: 1 });
    const { reasons } = passed(seen([asks(1)], { sites: [full, many] }), NOW);
    expect(reasons[idOf(1)]).toMatch(
      /^needs 1 × f \(2 cpus\) at full; 1 of its 1 clusters are in use; cloud refused f0 until /,
    );
    expect(reasons[idOf(1)]).toContain('so 5 other flavors of cloud');
    expect(reasons[idOf(1)]?.length).toBeLessThanOrEqual(limits.siteWhyCharsMax + 1);
  });

  it('makes what is kept of another flavor the one that the job would have', () => {
    const kept = {
      ...{ cluster: 'w', remote: 'cloud', flavor: 'cheap', image: 'host', price: 0.05 },
      ...{ owner: 'ann', account: '', nodes: ['w-0'] },
    };
    const at = (sites: Site[], spec: Partial<Spec> = {}) =>
      fit(seen([{ ...asks(1, spec), owner: 'ann' }], { sites, warm: [kept] }), NOW).place[0]
        ?.placement.warm;
    expect(at([site()])).toBeUndefined();
    expect(at([site({ past: [refused('small')] })])).toBe(1);
    expect(at([site({ past: [refused('small')] })], { maxPrice: 0.04 })).toBeUndefined();
  });
});

describe('a job whose nodes here are in use', () => {
  /** Until then all of it is in use. */
  const busy = (hours: number, more: Partial<Picture> = {}): Partial<Picture> => {
    const tenure = { owner: 'ben', account: '', queue: '', priority: 0, preemptible: false };
    const walltimeMs = hours * HOUR;
    const each = { attempt: 1, resources: resources(2), ports: [] };
    const held = { ...each, job: idOf(99), nodes: ['n1'], since: NOW };
    return {
      relocate: 'when-full',
      nodes: [node('n1', 2, { free: resources(0) })],
      holds: [{ ...held, tenure: { ...tenure, walltimeMs } }],
      ...more,
    };
  };
  const there = [shop('cloud', 1, booting(600))];
  const hour = { cpus: 2, walltimeMs: HOUR };

  it.each<[string, Choose, number, Partial<Spec>]>([
    ['goes', 'first', 0.01, {}],
    ['goes', 'soonest', 1, {}],
    ['waits', 'soonest', 0.1, {}],
    ['waits', 'cheapest', 100, {}],
    // An hour there costs 1, and ten minutes; an hour of waiting is worth 1.
    ['waits', 'weighted', 1.1, {}],
    ['goes', 'weighted', 1.3, {}],
    ['goes', 'cheapest', 2, { deadlineMs: 2 * HOUR }],
    ['waits', 'cheapest', 2, { deadlineMs: 4 * HOUR }],
    // It is late either way: then the sooner.
    ['goes', 'cheapest', 2, { deadlineMs: HOUR }],
    // What it has is not what a site has.
    ['waits', 'soonest', 1, { maxPrice: 0.5 }],
  ])('%s, by %s, if they are for %d h', (expected, choose, hours, spec) => {
    const waiting = [job(1, { ...hour, ...spec })];
    const picture = busy(hours, { sites: there, policy: policy(choose) });
    const found = goes(waiting, picture);
    expect(found).toEqual(expected === 'goes' ? { 1: 'f@cloud' } : {});
    const { plan } = passed(seen(waiting, picture), NOW);
    expect(plan.map(({ at }) => at)).toEqual(expected === 'goes' ? [] : [NOW + hours * HOUR]);
  });

  it('goes where nobody knows when they are free', () => {
    const picture = busy(0, { sites: there, policy: policy('cheapest') });
    expect(goes([job(1, hour)], picture)).toEqual({ 1: 'f@cloud' });
  });

  it('has room kept, so that those behind it wait only as long as is worth it', () => {
    const clouds = { sites: [shop('cloud', 1, booting(5_400))], policy: policy('soonest') };
    const all = [1, 2, 3].map((n) => job(n, hour));
    // The first starts in an hour, the second in two: that is later than a cluster is up.
    const picture = busy(1, clouds);
    expect(goes(all, picture)).toEqual({ 2: 'f@cloud', 3: 'f@cloud' });
    const { reasons } = passed(seen(all, picture), NOW);
    expect(Object.keys(reasons)).toEqual([idOf(1)]);
    expect(reasons[idOf(1)]).toBe(
      'needs 1 node with 2 cpus; 0 free now; room is kept for it from 1970-01-01T01:00:01.000Z; ' +
        '1 × f at cloud cost 1 an hour and take 5400 s: it rather waits for nodes',
    );
  });

  it('of a gang goes with the rest of it', () => {
    const gang = [1, 2].map((n) => job(n, { ...hour, gang: 'g', gangSize: 2 }));
    const picture = busy(1, { sites: there, policy: policy('cheapest') });
    expect(goes(gang, picture)).toEqual({ 1: 'f@cloud', 2: 'f@cloud' });
  });
});
