import { type ExecSetup, serveEnter, serveExec } from '../api/job-exec.ts';
import { serveJobPorts } from '../api/job-ports.ts';
import type { LogSetup } from '../api/log-bytes.ts';
import { serveLogs } from '../api/logs.ts';
import { isThere, leadOut, type OutSetup, serveOuts } from '../api/out-ports.ts';
import type { RestSetup } from '../api/rest/rest.ts';
import { serveAnyShell, serveLentShell } from '../api/shell/elsewhere.ts';
import { noteLine, type ShellSetup, serveShells } from '../api/shell/shell.ts';
import { joinTasks, leadTask, serveTasks, type TaskSetup } from '../api/task-ways.ts';
import { serveWatch } from '../api/watch.ts';
import type { DiskBlobs } from '../platform/blobs.ts';
import { serveFollow } from '../platform/follow.ts';
import { type HeadForwards, hubInTime, openForwards } from '../platform/forwards.ts';
import { serveForwards } from '../platform/job-port.ts';
import { outAddressOf } from '../platform/outs.ts';
import type { Hub, StreamHandler } from '../platform/streams.ts';
import { type BlobStore, fetchBlob, sendBlob, serveBlobs } from '../platform/transfer.ts';
import type { Carrier } from '../platform/workplace.ts';
import { Failed } from '../protocol/errors.ts';
import type { Who } from '../protocol/who.ts';
import type { Node } from '../runtime/node.ts';
import type { Millis } from '../runtime/ports.ts';
import { VERSION } from '../version.ts';
import { adminsBy, openBook, outsBy } from './book.ts';
import type { HeadSetup } from './head.ts';
import { localDiskOf } from './local-disk.ts';
import { withSnapshot } from './snapshots.ts';
import type { Users } from './users.ts';
import type { Worker, WorkerSetup } from './worker.ts';

/** What moves a worker's blobs: from and to whichever head `hub` leads to. */
export function carrierOf(blobs: DiskBlobs, hub: () => Hub | undefined): Carrier {
  const linked = (): Hub => {
    const found = hub();
    if (found === undefined) throw new Failed('unreachable', 'no link to a head');
    return found;
  };
  return {
    fetch: (blob, progress, signal) => fetchBlob(linked(), blobs, blob, progress, signal),
    send: (blob, progress, signal) => sendBlob(linked(), blobs, blob, progress, signal),
  };
}

/**
 * What other nodes may open on a head: blobs, whose names nobody guesses, and the way out for jobs.
 * Other heads see only what is here: who asks them all must not be asked in turn.
 */
export function nodeStreams(setup: HeadSetup, hub: Hub): void {
  const { blobs, copies, council } = setup;
  const own = withSnapshot(blobs, () => council.replica.snapshot());
  serveBlobs(hub.who.door === 'head' ? own : copies.store, () => undefined)(hub);
  hub.serve('port.out', serveOuts(outsOf(setup)));
  hub.serve('task.open', serveTasks(outsOf(setup)));
  hub.serve('shell.open', (request) => {
    const own = shells.get(setup);
    if (own === undefined) throw new Failed('unreachable', `${setup.config.name} is starting`);
    return serveLentShell(own)(request);
  });
}

/** The shells of each head, for its own terminals and for those of others. */
const shells = new WeakMap<HeadSetup, StreamHandler>();

type OutParts = Pick<HeadSetup, 'config' | 'council' | 'bulk'> & {
  readonly worker?: Worker | undefined;
};

const outsOf = ({ config, council, bulk, worker }: OutParts): OutSetup & TaskSetup => ({
  store: council.store,
  current: () => council.current(),
  name: config.name,
  hub: bulk.hub,
  rules: outsBy(openBook(config, council.store)),
  here: async (wish) => {
    if (worker !== undefined) return worker.agentOf(wish);
    throw new Failed('unreachable', `${config.name} runs no jobs`);
  },
});

/** How jobs that run on this head get out. */
export function waysOf(parts: OutParts): WorkerSetup['ways'] {
  const outs = outsOf(parts);
  const { name, address } = parts.config;
  return {
    lead: (wish) => leadOut(outs, wish),
    isThere: isThere(outs, outAddressOf(address)),
    leadTask: (wish) => leadTask(outs, wish, name),
  };
}

/** How jobs of a worker get out: by whichever head `hub` leads to, once there is one. */
export const waysBy = (hub: () => Hub | undefined): WorkerSetup['ways'] => ({
  lead: async (wish) => (await hubInTime(hub, 'a head')).open('port.out', wish),
  isThere: async () => false,
  leadTask: async (wish) => (await hubInTime(hub, 'a head')).open('task.open', wish),
});

/** What a head may open on a worker: the logs of a running job, and its ports. */
export function workerStreams(hub: Hub, node: Node, worker: Worker | undefined): void {
  if (worker === undefined) return;
  serveFollow(hub, worker.locate(node));
  serveForwards(hub, worker.resolve(node));
  hub.serve('task.join', joinTasks(worker.agentOf));
  hub.serve('exec.open', serveEnter(worker.enter(node)));
}

/** What a terminal may open on a head. */
export function userStreams(
  setup: HeadSetup,
  notes: Pick<ShellSetup, 'audited' | 'noted'>,
): (hub: Hub) => void {
  const { links, council, clock, worker, node, config, bulk } = setup;
  const now = (): Millis => clock.now();
  const own = serveShells({
    ...notes,
    node: node(),
    links: () => links.names(),
    raft: () => council.replica.status(),
    level: setup.level,
    now,
  });
  shells.set(setup, own);
  const shell = serveAnyShell(own, {
    node: config.name,
    hub: bulk.hub,
    noted: (who, at, line) => noteLine({ ...notes, now }, who, `shell ${at}`, line.trimEnd()),
  });
  const logs = logsOf(setup);
  return (hub) => {
    serveBlobs(userBlobs(setup, hub.who), () => undefined)(hub);
    hub.serve('watch', serveWatch(setup.feed, logs.isAdmin));
    hub.serve('log.follow', serveLogs(logs));
    hub.serve('job.port', serveJobPorts({ ...jobsOf(setup), here: worker?.resolve(node()) }));
    hub.serve('job.exec', serveExec({ ...jobsOf(setup), here: worker?.enter(node()) }));
    hub.serve('shell', shell);
  };
}

/** What it takes to find a job, and the node that it runs on. */
const jobsOf = ({ council, config, bulk, note }: HeadSetup): Omit<ExecSetup, 'here'> => ({
  store: council.store,
  current: () => council.current(),
  name: config.name,
  hub: bulk.hub,
  note,
});

/** The files that a user may get and bring: nobody guesses their names. */
function userBlobs({ copies, council }: HeadSetup, { door }: Who): BlobStore {
  const { store } = copies;
  return door === 'operator' ? withSnapshot(store, () => council.replica.snapshot()) : store;
}

/** What it takes to read the log of any job. */
function logsOf(setup: HeadSetup): LogSetup {
  const { copies, feed, council, config, bulk, worker, node } = setup;
  return {
    store: council.store,
    feed,
    isAdmin: adminsBy(openBook(config, council.store)),
    blobs: copies.store,
    name: config.name,
    local: worker?.locate(node()),
    hub: bulk.hub,
    current: () => council.current(),
  };
}

/** What it takes to answer plain requests of users. */
export const requestsOf = (setup: HeadSetup, users: Users): Omit<RestSetup, 'metrics'> => ({
  node: setup.node(),
  version: VERSION,
  feed: setup.feed,
  logs: logsOf(setup),
  blobs: (who) => userBlobs(setup, who),
  localDisk: localDiskOf(setup.config, users),
});

/** The `in` ports of jobs, as this head binds them. */
export const forwardsOf = ({ config, bulk, worker, node }: HeadSetup): HeadForwards =>
  openForwards({
    pool: config.ports.pool,
    hubOf: bulk.hub,
    here: worker && {
      node: config.name,
      resolve: (job, port) => worker.resolve(node())(job, port),
    },
  });
