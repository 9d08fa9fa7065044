import { derivedUuid } from '../../platform/derived-uuid.ts';
import type { FlavorRow, ImageRow, JobRow, JobView, Resources } from '../../protocol/model.ts';
import type { NodeRow, RemoteRow } from '../../protocol/terminal-shapes.ts';
import type { Used } from '../../protocol/used.ts';
import type {
  OlderFlavor,
  OlderImage,
  OlderJob,
  OlderMetrics,
  OlderNode,
  OlderRemote,
  OlderResource,
} from './older-shapes.ts';

/** Things that we know by their names have ids there, which must stay what they are. */
const idOf = (kind: string, ...names: readonly string[]): string =>
  derivedUuid([kind, ...names].join('\n'));
const remoteId = (remote: string): string => (remote === '' ? '' : idOf('remote', remote));
const flavorId = (remote: string, flavor: string): string =>
  remote === '' || flavor === '' ? '' : idOf('flavor', remote, flavor);
const imageId = (remote: string, image: string): string =>
  image === '' ? '' : idOf('image', remote, image);

const iso = (at: number): string => (at === 0 ? '' : new Date(at).toISOString());

const amounts = ({ cpus, memoryBytes, gpus }: Resources): OlderResource[] => [
  { name: 'cpus', count: cpus },
  { name: 'mem', count: memoryBytes },
  { name: 'gpus', count: gpus },
];

const named = (name: string, value: string): OlderResource[] =>
  value === '' ? [] : [{ name, count: 1, value }];

/** A job as it is at that instant. `addresses` are those of nodes, by their names. */
export function olderJob(
  row: JobRow,
  now: number,
  addresses: ReadonlyMap<string, string>,
): OlderJob {
  const { id, name, state, exitcode, signal, comment, nodes, request, resources } = row;
  const own = nodes.flatMap((node) => addresses.get(node) ?? []);
  // Whoever asks reaches the ports of the job there, under their own numbers.
  const ips = row.address === '' ? own : [row.address, ...own.slice(1)];
  const until = row.endedAt || now;
  return {
    ...{ id, name, state, exitcode, signal, comment },
    state_details: row.details,
    submit_time: iso(row.submittedAt),
    start_time: iso(row.startedAt),
    end_time: iso(row.endedAt),
    duration: row.startedAt === 0 ? 0 : Math.max(0, Math.floor((until - row.startedAt) / 1000)),
    node_names: [...nodes],
    node_ips: ips,
    main_ip: ips[0] ?? '',
    remote_id: remoteId(row.remote),
    flavor_id: flavorId(row.remote, row.flavor),
    request:
      request === undefined
        ? []
        : [
            { name: 'node', count: request.nodes },
            ...amounts(request),
            ...named('flavor', request.flavor),
            ...named('cloud-image', request.image),
          ],
    resources:
      resources === undefined ? [] : [{ name: 'node', count: nodes.length }, ...amounts(resources)],
    checkpoint: '',
    checkpoint_dir: '',
    checkpoint_interval: '',
    last_checkpoint_time: '',
    checkpoint_display: '',
  };
}

export function olderNode(row: NodeRow): OlderNode {
  const { name, address, phase, jobs, resources, role } = row;
  const alloc = { expected: 'stopped', silent: 'offline', gone: 'stopped' } as const;
  return {
    id: idOf('node', name),
    name,
    host: address,
    // Workers listen on nothing, and nobody needs to reach one.
    api_port: 0,
    state_power: phase === 'up' ? 'up' : 'down',
    state_alloc: phase === 'up' ? (jobs.length > 0 ? 'busy' : 'idle') : alloc[phase],
    resources: amounts(resources),
    roles: [{ id: idOf('role', role), name: role, comment: '' }],
  };
}

export const olderFlavor = ({ name, remote, resources, storageBytes, price }: FlavorRow) =>
  ({
    id: flavorId(remote, name),
    name,
    remote_id: remoteId(remote),
    resources: [...amounts(resources), { name: 'storage', count: storageBytes }],
    price,
  }) satisfies OlderFlavor;

export const olderImage = ({ name, remote, kind }: ImageRow) =>
  ({
    id: imageId(remote, name),
    name,
    remote_id: remoteId(remote),
    kind,
    comment: '',
  }) satisfies OlderImage;

export const olderRemote = ({ name, kind, defaultFlavor, defaultImage }: RemoteRow) =>
  ({
    id: remoteId(name),
    name,
    account_id: '',
    server: '',
    port: 0,
    kind,
    default_image_id: imageId(name, defaultImage),
    default_flavor_id: flavorId(name, defaultFlavor),
  }) satisfies OlderRemote;

const spreadOf = (known: Used['memBytes']) => known ?? { avg: null, max: null };

/** Of the main process; clients want all keys, also of what nobody has measured. */
export const olderMetrics = ({ id, used = [] }: JobView) => {
  const main = used.find(({ rank }) => rank === 0);
  return {
    job_id: id,
    cpu_percent: spreadOf(main?.cpuPercent ?? null),
    mem_bytes: spreadOf(main?.memBytes ?? null),
    gpu_util_percent: spreadOf(main?.gpuUtilPercent ?? null),
    gpu_mem_bytes: spreadOf(main?.gpuMemBytes ?? null),
  } satisfies OlderMetrics;
};
