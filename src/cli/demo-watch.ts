import type { Client } from '../client/client.ts';
import { Failed } from '../protocol/errors.ts';
import type { JobRow } from '../protocol/model.ts';
import type { ClusterRow, NodeRow } from '../protocol/terminal-shapes.ts';
import type { Stage } from './demo-stage.ts';
import { isSettled } from './waiting.ts';
import { resources } from './words.ts';

/** Shows the nodes of a cluster as they join, until all of them have. */
export async function showNodes(
  client: Client,
  stage: Stage,
  cluster: string,
  count: number,
): Promise<void> {
  const up = new Set<string>();
  for await (const { row } of client.watch('nodes', { id: cluster })) {
    const node = row as NodeRow | null;
    if (node?.phase !== 'up' || up.has(node.name)) continue;
    up.add(node.name);
    stage.step('node', `${node.name} has joined: ${resources(node.resources)}, ${node.address}`);
    if (up.size === count) return;
  }
}

/** Shows how a cluster is made and removed, until it is no more. */
export async function showCluster(client: Client, stage: Stage, name: string): Promise<void> {
  let shown = '';
  for await (const { key, row } of client.watch('clusters', { id: name })) {
    if (key === '') continue;
    const cluster = row as ClusterRow | null;
    if (cluster === null) return stage.step('cluster', `${name} is gone`);
    if (cluster.phase === shown) continue;
    shown = cluster.phase;
    stage.step('cluster', `${name} ${clusterText(cluster)}`);
  }
}

function clusterText({ phase, flavor, remote, nodes }: ClusterRow): string {
  switch (phase) {
    case 'creating':
      return `is being created: ${nodes.length} × ${flavor} at the site ${remote}`;
    case 'joining':
      return 'is created, and its machines boot';
    case 'up':
      return 'is up';
    case 'releasing':
      return 'is being removed';
    case 'gone':
      return 'is gone';
  }
}

/** Called when the job's input is on all nodes, when it runs, when its results are here. */
export type Landmarks = { staged(): void; running(): void; collected(): void };

/** Shows a job's phases until its end. Throws `Failed` if that is no good one. */
export async function showJob(
  client: Client,
  stage: Stage,
  id: string,
  landmarks: Landmarks,
): Promise<void> {
  let shown: JobRow['phase'] = 'queued';
  let settled = false;
  for await (const { key, row } of client.watch('jobs', { id })) {
    if (key === '') continue;
    const job = row as JobRow | null;
    if (job === null) throw new Failed('not_found', `job ${id} is gone before its end`);
    const percent = /^Data upload: (\d+) %$/.exec(job.details)?.[1];
    if (percent !== undefined) stage.moving('upload', 'head to workers', Number(percent) / 100);
    if (shown === 'staging' && job.phase !== shown) landmarks.staged();
    if (job.phase !== shown) stage.step('job', texts[job.phase]);
    if (job.phase === 'running') landmarks.running();
    shown = job.phase;
    if (!settled && isSettled(job)) {
      settled = true;
      if (job.state !== 'F' || job.exitcode !== 0)
        throw new Failed('refused', await failureText(client, job));
      landmarks.collected();
    }
    if (job.phase === 'ended') return;
  }
}

/** Why a job failed, with what it said of it. */
async function failureText(client: Client, { id, details, exitcode }: JobRow): Promise<string> {
  const text = new TextDecoder();
  let errors = '';
  for await (const bytes of client.follow(id, { stream: 'stderr', follow: false }))
    errors = `${errors}${text.decode(bytes, { stream: true })}`.slice(-ERRORS_CHARS);
  return `the job failed: ${details || `its exit code is ${exitcode}`}\n${errors}`.trimEnd();
}

const ERRORS_CHARS = 2_000;

const texts: Readonly<Record<JobRow['phase'], string>> = {
  queued: 'is queued',
  placing: 'is being placed',
  provisioning: 'waits for its cluster',
  staging: 'its input goes from the head to the workers',
  starting: 'is starting',
  running: 'is running',
  collecting: 'its results come back to the head',
  releasing: 'lets go of its cluster',
  ended: 'has ended',
};
