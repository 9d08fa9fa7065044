import type { MemorySite } from '../../ports/memory-gate.ts';
import { indexed } from '../kept.ts';
import type { World } from '../world.ts';
import type { Checks } from './checks.ts';
import { checkHistories, type Promises } from './clients.ts';
import type { Heads } from './heads.ts';
import type { There } from './machines.ts';
import { STANDING } from './ports.ts';

const MINUTE = 60_000;
const DAY = 12 * 60 * MINUTE;

/** All that there is on a day. */
export type Town = {
  readonly world: World;
  readonly heads: Heads;
  readonly site: MemorySite;
  readonly checks: Checks;
  readonly promises: Promises;
  readonly machines: ReadonlyMap<string, There>;
};

/** Lets time pass until every job has ended. */
export async function untilDone({ world, promises, checks }: Town): Promise<void> {
  const unended = (): readonly string[] =>
    [...promises.submitted].filter((id) => checks.job(id)?.phase !== 'ended');
  for (let passed = 0; passed < DAY; passed += MINUTE) {
    await world.pass(MINUTE);
    if (unended().length === 0) return;
  }
  const [id = ''] = unended();
  const { phase, details, reports, placement } = checks.job(id) ?? {};
  const where = placement?.cluster;
  const story = JSON.stringify({ phase, details, where, reports: reports?.map((r) => r?.phase) });
  world.violate('every job ends', `${id} ${story}`);
  await world.pass(0);
  throw world.violation;
}

/** What must be so at the end of a day: nothing is left of all that, and all was true. */
export function evening({ world, heads, site, checks, promises, machines }: Town): void {
  const { truth } = heads.ledger;
  checks.promises();
  heads.agree();
  checkHistories(world, promises);
  const nothing = (what: string, left: readonly unknown[]): void =>
    world.check('nothing is left behind', left.length === 0, () => `${what}: ${left}`);
  const there = site.truth().map(({ name }) => name);
  nothing('at the site', there);
  for (const { machine, worker } of machines.values()) {
    nothing(`on ${machine.name}`, machine.remains());
    nothing(`in the records of ${machine.name}`, indexed(worker.disks.node, '/live'));
    const open = [...(worker.life?.node.routes.find('/runners')?.children.names() ?? [])];
    nothing(`alive on ${machine.name}`, open);
  }
  const live = indexed(truth, '/live').filter((path) => !isStanding(path));
  nothing('in the records of the heads', live);
  nothing('in the queue', indexed(truth, '/queued'));
  const leader = heads.leading()?.node.life;
  world.check('somebody leads', leader !== undefined, () => 'nobody');
  for (const pool of ['/jobs', '/clusters']) {
    const open = leader?.node.routes.find(pool)?.children.names() ?? [];
    nothing(
      `alive in ${pool}`,
      [...open].filter((name) => name !== STANDING),
    );
  }
  for (const [id, phase] of promises.cancelled)
    if (!promises.purged.has(id)) cancelled({ world, checks }, id, phase);
}

/** A cancel that found the job before its end is its end. */
function cancelled({ world, checks }: Pick<Town, 'world' | 'checks'>, id: string, phase: string) {
  const job = checks.job(id);
  const isKept = phase === 'releasing' || job?.outcome?.state === 'C';
  const text = (): string => `${id} was ${phase}, and is ${JSON.stringify(job?.outcome)}`;
  world.check('a cancel is kept', isKept, text);
}

const isStanding = (path: string): boolean =>
  path === `/clusters/${STANDING}` || /^\/nodes\/(host|head)-/.test(path);
