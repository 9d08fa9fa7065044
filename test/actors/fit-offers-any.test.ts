import { expect, it } from 'vitest';
import { covers } from '../../src/actors/amounts.ts';
import { fit } from '../../src/actors/scheduler/fit.ts';
import { kindOf, type Site, type Waiting } from '../../src/actors/scheduler/place.ts';
import { inWords } from '../../src/actors/scheduler/reason.ts';
import { need } from '../../src/actors/scheduler/want.ts';
import { Dice } from '../sim/dice.ts';
import { calendar, overfull } from './calendar.ts';
import { resources, site } from './pictures.ts';
import { AT, STEP, type World, world } from './worlds.ts';

/** Passes over worlds by dice that have sites besides; the seed of one that fails is told. */

const WORLDS = 10_000;

function aSite(dice: Dice, remote: string): Site {
  const flavors = ['a', 'b', 'c'].map((name) => ({
    ...{ name, remote, storageBytes: 0 },
    resources: resources(dice.between(1, 4), dice.between(0, 1), 0),
    price: dice.between(0, 4),
  }));
  const past = flavors.map(({ name: flavor }) => ({
    ...{ flavor, bootMs: STEP * dice.between(0, 6), refusals: 0, refusedAt: 0, why: 'no more' },
    refusedUntil: dice.chance(0.3) ? AT + STEP : 0,
  }));
  const most = { clustersMax: dice.between(0, 3), cpusMax: dice.between(1, 9) };
  return site({ remote, defaultFlavor: dice.pick(['', 'a', 'b']), flavors, past, ...most });
}

function worldWithSites(dice: Dice): World {
  const at = world(dice);
  const waiting = at.waiting.map((job): Waiting => {
    const bounds = {
      relocatable: dice.chance(0.2),
      maxPrice: dice.chance(0.3) ? dice.between(1, 6) : 0,
      deadlineMs: dice.chance(0.3) ? STEP * dice.between(5, 20) : 0,
    };
    return { ...job, spec: { ...job.spec, ...bounds } };
  });
  const choose = dice.pick(['first', 'cheapest', 'soonest', 'weighted'] as const);
  const clouds = { choose, hourIsWorth: dice.between(0, 200) };
  const sites = ['west', 'east'].slice(dice.between(0, 1)).map((name) => aSite(dice, name));
  return { ...at, waiting, sites, relocate: 'when-full', policy: { ...at.policy, clouds } };
}

type Passed = ReturnType<typeof fit>;
const isRather = (reasons: Parameters<typeof inWords>[0]): boolean =>
  inWords(reasons).includes('it rather waits');

const rules: Readonly<Record<string, (world: World, passed: Passed) => boolean>> = {
  'everybody has one place, or a reason': ({ waiting }, { place, reasons }) =>
    waiting.every(({ id }) => {
      const places = place.filter((each) => each.id === id).length;
      return places + Number((reasons.get(id)?.length ?? 0) > 0) === 1;
    }),

  'no node has ever more than it can bear, also when what is planned starts': (at, passed) => {
    const entries = calendar(at, passed);
    return at.nodes.every((node) => overfull(node, entries) === '');
  },

  'what is made is enough, not refused, not too dear, and no more than its site has': (
    { sites, waiting },
    { place },
  ) =>
    sites.every(({ remote, flavors, past = [], clustersMax, cpusMax }) => {
      const there = place.filter(({ placement }) => placement.made?.remote === remote);
      const cpus = there.map(({ id, placement: { made, nodes } }) => {
        const { spec } = waiting.find((each) => each.id === id) as Waiting;
        const flavor = flavors.find(({ name }) => name === made?.flavor);
        const known = past.find((each) => each.flavor === made?.flavor);
        const isGood =
          flavor !== undefined &&
          covers(flavor.resources, need(spec)) &&
          (known?.refusedUntil ?? 0) <= AT &&
          (!spec.maxPrice || flavor.price * nodes.length <= spec.maxPrice);
        return isGood ? flavor.resources.cpus * nodes.length : Number.POSITIVE_INFINITY;
      });
      return there.length <= clustersMax && cpus.reduce((sum, n) => sum + n, 0) <= cpusMax;
    }),

  'who rather waits may choose, and has room kept, or one in its line before it has': (
    { waiting, policy },
    { plan, reasons },
  ) =>
    [...reasons].every(([id, all]) => {
      const { spec } = waiting.find((each) => each.id === id) as Waiting;
      const mayChoose = policy.clouds.choose !== 'first' || spec.deadlineMs !== 0;
      const isWell = mayChoose && !spec.relocatable && spec.gang === '';
      const alike = waiting.filter((each) => kindOf(each.spec) === kindOf(spec));
      const isKept = alike.some((each) => plan.some((start) => start.id === each.id));
      return !isRather(all) || (isWell && isKept);
    }),
};

it(`holds in ${WORLDS} worlds`, { timeout: 110_000 }, () => {
  const seen = { made: 0, here: 0, rather: 0, mixed: 0 };
  for (let seed = 1; seed <= WORLDS; seed++) {
    const at = worldWithSites(new Dice(seed));
    const passed = fit(at, AT);
    for (const [rule, holds] of Object.entries(rules))
      if (!holds(at, passed)) expect.fail(`seed ${seed}: ${rule}`);
    const made = passed.place.filter(({ placement }) => placement.made !== null).length;
    const rather = [...passed.reasons.values()].filter(isRather).length;
    seen.made += made;
    seen.here += passed.place.length - made;
    seen.rather += rather;
    seen.mixed += Number(made > 0 && rather > 0);
  }
  // Worlds in which nothing happens would prove nothing.
  expect(seen.made).toBeGreaterThan(WORLDS / 10);
  expect(seen.here).toBeGreaterThan(WORLDS / 10);
  expect(seen.rather).toBeGreaterThan(WORLDS / 20);
  expect(seen.mixed).toBeGreaterThan(WORLDS / 100);
});
