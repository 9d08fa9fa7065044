import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromArgs } from '../src/actors/cluster/cluster.ts';
import { keeping } from '../src/actors/cluster/keeping.ts';
import { gateTasks } from '../src/actors/gate/tasks.ts';
import type { Partition } from '../src/actors/ports.ts';
import { openStore } from '../src/platform/store.ts';
import type { Change, Store } from '../src/runtime/ports.ts';
import { changes, NOTHING_KEPT } from '../src/runtime/record.ts';
import { type Measures, run } from './rounds.ts';

/** What does a sweep of a site with 10,000 things cost, beside bare reads of as many records? */
const THINGS = 10_000;
const INSTALLATION = 'ours';
const REMOTE = 'cloud';

const nameOf = (n: number): string => `swm-${String(n).padStart(8, '0')}`;
const pathOf = (n: number): string => `/clusters/${nameOf(n)}`;

const there: readonly Partition[] = Array.from({ length: THINGS }, (_, n) => ({
  externalId: `/subscriptions/1/resourceGroups/${nameOf(n)}-resource-group`,
  name: nameOf(n),
  status: 'succeeded',
  description: '',
  addresses: {},
  installation: INSTALLATION,
  createdAt: 0,
}));

/** Of each thing a claim, every second of which is over. */
function claim(n: number): readonly Change[] {
  const made = { remote: REMOTE, flavor: 'small', image: 'host', price: 0.1 };
  const stray = fromArgs({ cluster: nameOf(n), remote: REMOTE, externalId: '' }, 0);
  const state = { ...stray, made, phase: n % 2 === 0 ? ('up' as const) : ('gone' as const) };
  return changes(keeping, pathOf(n), NOTHING_KEPT, state).changes;
}

async function filled(directory: string): Promise<Store> {
  const store = await openStore(directory);
  const all = Array.from({ length: THINGS }, (_, n) => claim(n)).flat();
  await new Promise((resolve) => store.commit(all, resolve));
  return store;
}

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

async function within(work: (store: Store) => Promise<void> | void): Promise<Measures> {
  const directory = await mkdtemp(join(tmpdir(), 'swm-sweep-'));
  const store = await filled(join(directory, 'store'));
  try {
    const before = cpuMs();
    await work(store);
    return { cpu: cpuMs() - before };
  } finally {
    await store.close();
    await rm(directory, { recursive: true });
  }
}

await run({
  name: 'sweep',
  units: { cpu: 'ms' },
  setup: `${THINGS} things at a site in memory, half of them claimed by records in LMDB`,
  ours: {
    name: 'sweep',
    run: () =>
      within(async (store) => {
        const gate = { list: async () => there } as never;
        const facts = { clustersMax: 1, cpusMax: 1, defaultFlavor: '', defaultImage: '' };
        const tasks = gateTasks({
          gates: new Map([[REMOTE, gate]]),
          sites: new Map([[REMOTE, facts]]),
          store,
          installation: INSTALLATION,
        });
        const { signal } = new AbortController();
        const context = { signal, emit: () => {}, path: '/gate-cloud' };
        const { found } = await tasks.strays({ remote: REMOTE }, context);
        if (found.length !== THINGS / 2) throw new Error(`${found.length} strays`);
      }),
  },
  beside: {
    name: 'reads',
    run: () =>
      within((store) => {
        for (let n = 0; n < THINGS; n++)
          if (store.get(`r${pathOf(n)}#head`) === undefined) throw new Error(pathOf(n));
      }),
  },
});
