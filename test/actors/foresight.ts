import { foreseen } from '../../src/actors/scheduler/foresee.ts';
import { type Past, pastOf } from '../../src/actors/scheduler/past.ts';
import type { Waiting } from '../../src/actors/scheduler/place.ts';
import {
  type ClusterNews,
  type Scheduler,
  type SchedulerEffect,
  scheduler,
} from '../../src/actors/scheduler/scheduler.ts';
import type { Body, Message, Name, Reply } from '../../src/protocol/messages.ts';
import { told } from './stage.ts';
import type { World } from './worlds.ts';

/** A scheduler to be asked what is to come, in a world by dice or one that a test describes. */

type Event = Parameters<typeof scheduler.on>[1];

/** The machine alone, played at instants of its own. */
export class Wondering {
  state: Scheduler;
  effects: readonly SchedulerEffect[] = [];

  constructor(args: Parameters<typeof scheduler.init>[0], now: number) {
    this.state = scheduler.init(args, now);
  }

  hear<N extends Name>(name: N, body: Body<N>, now: number, ask = 0): void {
    this.play(told(name, body, ask) as Event, now);
  }

  play(event: Event, now: number): void {
    [this.state, this.effects] = scheduler.on(this.state, event, now);
  }

  /** The pass that is due next; who got a place in it. */
  pass(now: number): readonly string[] {
    this.play({ is: 'pass', at: this.state.passAt }, now);
    return this.effects.flatMap((effect) =>
      effect.do === 'tell' && (effect.message as Message).name === 'job.place'
        ? [(effect.message.body as Body<'job.place'>).id]
        : [],
    );
  }

  /** Puts the question to the machine, and does the task that it asks for. */
  async foresee(
    asked: Partial<Body<'scheduler.foresee'>>,
    now: number,
    past: Past = pastOf([]),
  ): Promise<Reply<'scheduler.foresee'>> {
    const body = { job: null, spec: null, owner: 'ann', wants: 'change' as const, ...asked };
    this.hear('scheduler.foresee', body, now, 7);
    const [effect] = this.effects;
    if (effect?.do === 'reply') return effect.body as Reply<'scheduler.foresee'>;
    if (effect?.do !== 'run' || effect.task !== 'foresee') throw new Error('it asks for no task');
    const work = foreseen(effect.input, async () => past);
    let step = await work.next();
    while (!step.done) step = await work.next();
    this.play({ is: 'done', task: 'foresee', key: effect.key ?? '', value: step.value }, now);
    return step.value;
  }
}

/** The clusters of a world, as they would tell what they have. */
export function newsOf({ nodes, holds }: World): readonly ClusterNews[] {
  return [...Map.groupBy(nodes, ({ cluster }) => cluster)].map(([cluster, there]) => {
    const names = new Set(there.map(({ name }) => name));
    return {
      ...{ cluster, open: true, claimed: null, made: null },
      nodes: there.map(({ cluster: _, labels, ports, ...node }) => ({
        ...node,
        ports: [...ports],
        ...(labels && { labels: [...labels] }),
      })),
      holds: holds.filter((hold) => hold.nodes.some((name) => names.has(name))),
    };
  });
}

export const waits = ({ id, owner = '', ...job }: Waiting): Body<'scheduler.job'> => ({
  id,
  waits: { ...job, owner },
});

/** A scheduler that has heard of all of a world, and has passed once. */
export function inWorld(world: World, now: number): Wondering {
  const { policy, relocate, waiting } = world;
  const wondering = new Wondering({ policy, relocate, remotes: [] }, now);
  for (const news of newsOf(world)) wondering.hear('scheduler.cluster', news, now);
  for (const job of waiting) wondering.hear('scheduler.job', waits(job), now);
  wondering.pass(now);
  return wondering;
}
