import { type Failure, failure } from '../../protocol/errors.ts';
import type { Body } from '../../protocol/messages.ts';
import type { Resources } from '../../protocol/model.ts';
import type { Millis } from '../../runtime/ports.ts';
import {
  type Cluster,
  type ClusterEffect,
  type ClusterStep,
  expect,
  free,
  type Hold,
  newsTo,
  portsOf,
  to,
  toScheduler,
} from './cluster.ts';

type Claim = Body<'cluster.claim'>;

/** Saves a hold, or says plainly why not. The same claim again is told how things are. */
export function claim(state: Cluster, body: Claim, ask: number, now: Millis): ClusterStep {
  const reply: ClusterEffect = { do: 'reply', ask, body: {} };
  const held = state.holds.find((h) => h.job === body.job && h.attempt === body.attempt);
  if (held !== undefined) return [state, [reply, newsTo(state, held, held.nodes)]];
  const why = refusal(state, body);
  if (why !== null) return [state, [{ do: 'refuse', ask, failure: why }]];
  const { job, attempt, placement } = body;
  const { resources, ports, nodes, made } = placement;
  const hold: Hold = { job, attempt, resources, ports, nodes };
  const next = { ...state, holds: [...state.holds, hold] };
  if (made === null) return [next, [reply, newsTo(next, hold, nodes), toScheduler(next)]];
  const begun: Cluster = {
    ...to(next, 'creating', now),
    round: state.round + 1,
    owner: body.owner,
    job,
    made,
    externalId: '',
    members: nodes.map((name) => expect(name, now)),
    left: [],
    expected: [],
    tries: 0,
    failure: null,
    detail: 'Initiate a new partition',
    createdAt: now,
  };
  return [begun, [reply]];
}

function refusal(state: Cluster, { job, placement }: Claim): Failure | null {
  const { name, made } = state;
  if (placement.made !== null) {
    if (state.phase === 'gone') return null;
    const text = `cluster ${name} of another attempt is not gone yet`;
    return state.job === job || state.job === '' || state.phase === 'releasing'
      ? failure('releasing', text)
      : failure('refused', `the name ${name} is taken by job ${state.job}`);
  }
  if (made !== null) return failure('refused', `cluster ${name} was made for job ${state.job}`);
  for (const node of placement.nodes) {
    const member = state.members.find((m) => m.name === node);
    if (member === undefined || member.phase !== 'up')
      return failure('full', `node ${node} is not up`);
    if (!covers(free(state, member), placement.resources))
      return failure('full', `node ${node} has not enough free`);
    const busy = portsOf(state, member).find((port) => placement.ports.includes(port));
    if (busy !== undefined)
      return failure('full', `port ${busy} of node ${node} is used by another job`);
  }
  return null;
}

const covers = (have: Resources, want: Resources): boolean =>
  have.cpus >= want.cpus && have.memoryBytes >= want.memoryBytes && have.gpus >= want.gpus;

/** Ends a hold. `gone` is true once nothing of what it stood for is left. */
export function unclaim(
  state: Cluster,
  { job, attempt }: Body<'cluster.unclaim'>,
  ask: number,
  now: Millis,
): ClusterStep {
  const holds = state.holds.filter((h) => h.job !== job || h.attempt !== attempt);
  const changed = holds.length !== state.holds.length;
  const ended = { ...state, holds };
  if (state.made === null) {
    const reply: ClusterEffect = { do: 'reply', ask, body: { gone: true } };
    return changed ? [ended, [reply, toScheduler(ended)]] : [state, [reply]];
  }
  const gone = state.phase === 'gone';
  const reply: ClusterEffect = { do: 'reply', ask, body: { gone } };
  if (gone) return [changed ? ended : state, [reply]];
  const waits = state.left.some((l) => l.job === job && l.attempt === attempt);
  const left = waits ? state.left : [...state.left, { job, attempt }];
  const next = changed || !waits ? { ...ended, left } : state;
  if (holds.length > 0 || state.phase === 'releasing') return [next, [reply]];
  const detail = 'Releasing the partition';
  return [to(next, 'releasing', now, { detail, tries: 0 }), [reply]];
}
