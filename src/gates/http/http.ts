import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Gate } from '../../actors/ports.ts';
import { diskFailed } from '../../platform/disk.ts';
import { limits } from '../../protocol/limits.ts';
import type { GateSetup } from '../setup.ts';
import { turns } from '../turns.ts';
import { create } from './creation.ts';
import { readCredential } from './credential.ts';
import { Machines } from './machines.ts';
import { PostedOrders } from './posted.ts';
import { remove } from './removal.ts';
import type { Dial } from './service.ts';
import { type HttpSettings, readSettings } from './settings.ts';
import { find, flavors, images, list, type Offers, type Site, show } from './site.ts';

/**
 * A site behind a gate service: a program beside us that speaks to one cloud, by HTTPS, and was
 * there before us. It keeps no tags, so that only names tell whose a partition is.
 */
export async function openHttpGate(setup: GateSetup): Promise<Gate> {
  const settings = readSettings(setup.settings, `$.remotes.${setup.remote}`);
  const folder = join(setup.spool, 'gates', setup.remote);
  const posted = new PostedOrders(join(folder, 'orders'));
  const machines = new Machines(setup, settings, posted, folder);
  await posted.prepare();
  const dial = await dialOf(setup, settings);
  const site: Site = {
    settings,
    dial,
    posted,
    machines,
    inTurn: turns(),
    now: setup.now,
    seen: new Map(),
  };
  let last = { at: Number.NEGATIVE_INFINITY, flavors: [], images: [] } as Offers & { at: number };
  /** What was offered a while ago is good enough to refuse what never was. */
  const offered = async (signal: AbortSignal): Promise<Offers> => {
    if (setup.now() - last.at >= limits.offersMs) {
      const [ofFlavors, ofImages] = await Promise.all([
        flavors(site, signal),
        images(site, signal),
      ]);
      last = { at: setup.now(), flavors: ofFlavors, images: ofImages };
    }
    return last;
  };
  return {
    create: (order, signal) => create(site, order, () => offered(signal), signal),
    find: (name, signal) => find(site, name, signal),
    // In turn: whoever asks again hears what became of it, not that it is asked for already.
    remove: (externalId, signal) => site.inTurn(externalId, () => remove(site, externalId, signal)),
    list: async (signal) => Promise.all((await list(site, signal)).map((said) => show(site, said))),
    flavors: (signal) => flavors(site, signal),
    images: (signal) => images(site, signal),
    attach: (order, told, signal) => machines.attach(order, told, signal),
  };
}

/** The credential is read anew for each request, so that it can be exchanged while we run. */
async function dialOf(
  { credentials }: GateSetup,
  { server, port, credential, authority }: HttpSettings,
): Promise<Dial> {
  const read = () => readCredential(credential, credentials?.key);
  await read();
  const ca = authority === '' ? credentials?.chain : await readAuthority(authority);
  const shown = credentials && { key: credentials.key, cert: credentials.shown };
  return { server, port, tls: { ...shown, ...(ca === undefined ? {} : { ca }) }, credential: read };
}

async function readAuthority(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw diskFailed(error, path, 'Reading');
  }
}
