import { fit, type Picture } from '../../src/actors/scheduler/fit.ts';
import type { Site, Waiting } from '../../src/actors/scheduler/place.ts';
import { inWords, isNever } from '../../src/actors/scheduler/reason.ts';
import type { FreeNode } from '../../src/actors/scheduler/spot.ts';
import type { Spec } from '../../src/protocol/model.ts';
import { GIB, spec } from './things.ts';

export const NOW = 1_000;
export const idOf = (n: number): string =>
  `${String(n).padStart(8, '0')}-0000-7000-8000-000000000000`;
export const job = (
  n: number,
  asked: Partial<Spec> = {},
  change: Partial<Waiting> = {},
): Waiting => ({
  id: idOf(n),
  attempt: 1,
  submittedAt: n,
  notBefore: 0,
  spec: spec(asked),
  ...change,
});
export const resources = (cpus: number, gpus = 0, memoryBytes = 8 * GIB) => ({
  cpus,
  gpus,
  memoryBytes,
});
export const node = (name: string, cpus: number, change: Partial<FreeNode> = {}): FreeNode => ({
  name,
  cluster: 'here',
  up: true,
  free: resources(cpus),
  total: resources(cpus),
  ports: [],
  ...change,
});
const flavor = (name: string, cpus: number, price: number) => ({
  name,
  remote: 'cloud',
  resources: resources(cpus),
  storageBytes: 0,
  price,
});
export const site = (change: Partial<Site> = {}): Site => ({
  remote: 'cloud',
  clustersMax: 2,
  cpusMax: 8,
  defaultFlavor: 'small',
  defaultImage: 'host',
  flavors: [flavor('large', 8, 0.3), flavor('small', 2, 0.1), flavor('cheap', 2, 0.05)],
  images: [{ name: 'host', remote: 'cloud', kind: 'cloud' }],
  clusters: 0,
  cpus: 0,
  ...change,
});
export const seen = (waiting: Waiting[], change: Partial<Picture> = {}): Picture => ({
  waiting,
  nodes: [node('n1', 2)],
  sites: [site()],
  warm: [],
  relocate: 'asked',
  ...change,
});

/** What comes of a pass, with its reasons in words, and apart what can never be. */
export function passed(picture: Picture, now: number) {
  const { place, plan, reasons } = fit(picture, now);
  const words = (isOver: boolean): Record<string, string> =>
    Object.fromEntries(
      [...reasons].flatMap(([id, all]) =>
        all.every(isNever) === isOver ? [[id, inWords(all)] as const] : [],
      ),
    );
  return { proposals: place, plan, reasons: words(false), impossible: words(true) };
}
