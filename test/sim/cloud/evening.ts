import { indexed } from '../kept.ts';
import { checkHistories } from './clients.ts';
import type { Day } from './day.ts';
import { STANDING } from './ports.ts';

/** What must be so at the end of a day: nothing is left of all that, and all was true. */
export function evening({ world, heads, site, checks, promises, machines }: Day): void {
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
function cancelled({ world, checks }: Pick<Day, 'world' | 'checks'>, id: string, phase: string) {
  const job = checks.job(id);
  const isKept = phase === 'releasing' || job?.outcome?.state === 'C';
  const text = (): string => `${id} was ${phase}, and is ${JSON.stringify(job?.outcome)}`;
  world.check('a cancel is kept', isKept, text);
}

const isStanding = (path: string): boolean =>
  path === `/clusters/${STANDING}` || /^\/nodes\/(host|head)-/.test(path);
