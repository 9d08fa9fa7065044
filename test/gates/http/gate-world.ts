import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Gate } from '../../../src/actors/ports.ts';
import { openGate } from '../../../src/gates/gates.ts';
import type { Credentials } from '../../../src/platform/credentials.ts';
import { makePki } from '../../platform/pki.ts';
import type { GateWorld } from '../../ports/gate.suite.ts';
import { GateService, type ServiceOptions } from './gate-service.ts';

export type HttpWorld = GateWorld & {
  readonly service: GateService;
  readonly folder: string;
  readonly port: number;
  readonly credentials: Credentials;
  /** The gate with other settings, or of a head with a spool of its own. */
  openWith(settings: object, spool?: string): Promise<Gate>;
};

let made: ReturnType<typeof makeKeys> | undefined;
async function makeKeys() {
  const pki = await makePki();
  return {
    head: await pki.node('head', 'head-1'),
    service: await pki.node('worker', 'gate-1'),
    cloud: await pki.user('cloud'),
  };
}

/** A gate service, and a head that knows it. */
export async function httpWorld(
  options: Omit<ServiceOptions, 'credentials'>,
  settings: object = {},
): Promise<HttpWorld> {
  made ??= makeKeys();
  const { head, service: own, cloud } = await made;
  const folder = await mkdtemp(join(tmpdir(), 'swm-http-gate-'));
  const credential = join(folder, 'cloud.pem');
  await writeFile(credential, cloud.shown + cloud.key, { mode: 0o600 });
  await chmod(credential, 0o600);
  const service = new GateService({ ...options, credentials: own });
  const port = await service.listen();
  const given = {
    kind: 'http',
    server: '127.0.0.1',
    port,
    location: 'here',
    credential,
    cpus: 6,
    ssh: { key: '/none' },
  };
  const { provider, count = 'all' } = options;
  const openWith = (other: object, spool = join(folder, 'spool')): Promise<Gate> =>
    openGate('http', {
      remote: 'cloud',
      settings: { ...given, provider, count, createMs: 1_000, ...settings, ...other },
      spool,
      workerCommand: [],
      workerConfig: {},
      credentials: head,
      head: 'head-1',
      mesh: async () => ({ host: '127.0.0.1', port: 1 }),
      note: () => {},
      now: Date.now,
      dice: Math.random,
    });
  return {
    service,
    folder,
    port,
    credentials: head,
    openWith,
    open: () => openWith({}),
    run: (work) => work,
    pass: () => pause(5),
    left: async () => [...service.cloud.partitions.keys()],
    async close() {
      await service.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
