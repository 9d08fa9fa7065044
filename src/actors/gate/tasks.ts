import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Body, Reply } from '../../protocol/messages.ts';
import type { Tasks } from '../../runtime/family.ts';
import type { Store } from '../../runtime/ports.ts';
import type { Gate } from '../ports.ts';
import { unsweptSince } from '../sweeper/keeping.ts';
import type { GateEvent, GateTasks, Strays } from './gate.ts';
import { missing, sighted } from './sight.ts';

/** What the config says of a site. */
export type SiteFacts = Pick<
  Body<'scheduler.site'>,
  'clustersMax' | 'cpusMax' | 'defaultFlavor' | 'defaultImage' | 'unitMs' | 'keepMs'
>;

export type GatePorts = {
  readonly gates: ReadonlyMap<string, Gate>;
  readonly sites: Pick<ReadonlyMap<string, SiteFacts>, 'get'>;
  readonly store: Store;
  readonly installation: string;
};

export function gateTasks(ports: GatePorts): Tasks<GateEvent, GateTasks> {
  const of = (remote: string): { readonly gate: Gate; readonly facts: SiteFacts } => {
    const gate = ports.gates.get(remote);
    const facts = ports.sites.get(remote);
    if (gate === undefined || facts === undefined)
      throw new Failed('site_error', `no site ${remote} is configured`, false);
    return { gate, facts };
  };
  return {
    offers: async ({ remote }, { signal }) => {
      const { gate, facts } = of(remote);
      const [flavors, images] = await Promise.all([gate.flavors(signal), gate.images(signal)]);
      const site = {
        remote,
        ...facts,
        ...(gate.storages && { storages: [...gate.storages] }),
        flavors: flavors.map((f) => ({ ...f, remote })),
        images: images.map((i) => ({ ...i, remote })),
      };
      return site;
    },
    strays: async ({ remote }, { signal }) => strays(ports, of(remote).gate, signal),
    look: async ({ remote }, { signal }) => look(ports, remote, of(remote).gate, signal),
  };
}

/** Lists first and reads the claims after: see `sighted`. What goes already is left alone. */
async function strays(ports: GatePorts, gate: Gate, signal: AbortSignal): Promise<Strays> {
  const there = await gate.list(signal);
  const found = sighted(ports, there)
    .filter(({ mark, status }) => mark === 'stray' && status !== 'deleting')
    .map(({ name, externalId, createdAt }) => ({ name, externalId, createdAt }));
  return { found, swept: unsweptSince(ports.store) === 0 };
}

const MARKS = ['stray', 'missing', 'claimed', 'foreign'] as const;

async function look(
  ports: GatePorts,
  remote: string,
  gate: Gate,
  signal: AbortSignal,
): Promise<Reply<'gate.list'>> {
  const there = await gate.list(signal);
  const all = [...sighted(ports, there), ...missing(ports, remote, there)];
  const sorted = MARKS.flatMap((mark) => all.filter((row) => row.mark === mark));
  const rows = sorted.slice(0, limits.siteRowsMax);
  return { rows, more: all.length - rows.length, unsweptSince: unsweptSince(ports.store) };
}
