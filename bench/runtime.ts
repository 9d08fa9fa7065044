import * as nact from 'nact';
import { systemClock } from '../src/platform/clock.ts';
import { type Message, message, type Name } from '../src/protocol/messages.ts';
import { type Ref, ref } from '../src/protocol/ref.ts';
import type { Behaviour } from '../src/runtime/behaviour.ts';
import { nactCells } from '../src/runtime/cell.ts';
import { family } from '../src/runtime/family.ts';
import { Node } from '../src/runtime/node.ts';
import type { Store } from '../src/runtime/ports.ts';
import { type Measures, run } from './rounds.ts';

/** What does an actor of ours cost beside a bare one of nact, to tell and to ask? */
const FLOOD = 1_000_000;
const FLOOD_AT_ONCE = 50_000;
const ACTORS = 1_000;
const HOPS = 1_000_000;
const ASKS = 300_000;
const IN_FLIGHT = 1_000;
/** Raw nact is slower by an order of magnitude; it does less of the same, at the same rate. */
const RAW_SHARE = 0.1;

type Done = () => void;
const rate = async (count: number, work: (done: Done) => void): Promise<number> => {
  const begin = performance.now();
  await new Promise<void>(work);
  return (count / (performance.now() - begin)) * 1_000;
};

/** Sends `count` letters in bursts that any mailbox holds; `seen` says how many were heard. */
const flood = (count: number, send: () => void, seen: () => number) => (done: Done) => {
  let sent = 0;
  const more = (): void => {
    for (const end = Math.min(count, sent + FLOOD_AT_ONCE); sent < end; sent++) send();
    const look = (): void => {
      if (seen() < sent) setImmediate(look);
      else if (sent < count) more();
      else done();
    };
    setImmediate(look);
  };
  more();
};

const letter = message('job.report', {} as never);
const question = message('job.show', {} as never);
const who = { door: 'local', id: '/bench' } as const;

type State = { readonly phase: 'on'; readonly to: Ref };
type NoTasks = Record<never, never>;
type Count = { seen: number; left: number; done: Done };

/** Counts what it hears; passes tokens on, and answers questions. */
const counter = (count: Count): Behaviour<Ref, State, Name, never, NoTasks> => ({
  init: (to) => ({ phase: 'on', to }),
  enter: () => [],
  on: (state, event) => {
    if (event.is !== 'told') return [state, []];
    count.seen++;
    if (event.ask !== 0)
      return [state, [{ do: 'reply', ask: event.ask, body: event.message.body }]];
    if (count.left-- > 0)
      return [state, [{ do: 'tell', to: state.to, message: event.message as Message }]];
    if (count.left === -ACTORS) count.done();
    return [state, []];
  },
});

const noStore = {} as Store;
const lend = (count: Count) => ({
  counter: family({
    behaviour: counter(count),
    hears: ['job.report', 'job.show'],
    tasks: {},
  }),
});

let systems = 0;
/** A node on nact cells, with `actors` that pass tokens round. */
function ours(count: Count, actors: number): { readonly node: Node; readonly end: () => void } {
  const node = new Node('bench', lend(count), {
    clock: systemClock(),
    cells: nactCells(`bench-${systems++}`),
    stores: { control: noStore, node: noStore },
    wire: { send: () => false },
    note: () => {},
    leader: () => undefined,
  });
  const all = Array.from({ length: actors }, (_, i) =>
    node.open('counter', `/${i}`, ref('bench', `/${(i + 1) % actors}`), () => {}),
  );
  return {
    node,
    end: () => {
      for (const actor of all) actor.halt('done');
    },
  };
}

async function runOurs(): Promise<Measures> {
  const count: Count = { seen: 0, left: -1e9, done: () => {} };
  const one = ours(count, 1);
  const to = ref('bench', '/0');
  const tell = (): void => one.node.routes.tell(to, letter, who);
  const tells = await rate(
    FLOOD,
    flood(FLOOD, tell, () => count.seen),
  );
  const asks = await rate(ASKS, (done) => {
    let open = ASKS;
    let answered = 0;
    const ask = (): void => {
      open--;
      one.node.routes.ask(to, question, 30_000, who, () => {
        if (++answered === ASKS) done();
        else if (open > 0) ask();
      });
    };
    for (let i = 0; i < IN_FLIGHT; i++) ask();
  });
  one.end();
  const ring = ours(count, ACTORS);
  const hops = await rate(HOPS, (done) => {
    count.left = HOPS;
    count.done = done;
    for (let i = 0; i < ACTORS; i++) ring.node.routes.tell(ref('bench', `/${i}`), letter, who);
  });
  ring.end();
  return { tells, ring: hops, asks };
}

async function runRaw(): Promise<Measures> {
  const system = nact.start({ name: `raw-${systems++}` } as never);
  let seen = 0;
  const sink = nact.spawn(system, (() => void seen++) as never, 'sink');
  const [floods, allHops, allAsks] = [FLOOD, HOPS, ASKS].map((n) => n * RAW_SHARE) as [
    number,
    number,
    number,
  ];
  const tells = await rate(
    floods,
    flood(
      floods,
      () => nact.dispatch(sink, letter),
      () => seen,
    ),
  );
  const echo = nact.spawn(
    system,
    ((_: unknown, text: unknown, context: { sender: never }) =>
      nact.dispatch(context.sender, text as never)) as never,
    'echo',
  );
  const asks = await rate(allAsks, (done) => {
    let open = allAsks;
    let answered = 0;
    const ask = (): void => {
      open--;
      const heard = (): void => {
        if (++answered === allAsks) done();
        else if (open > 0) ask();
      };
      // Ids of nact's queries collide now and then: such a question ends by its time, unheard.
      nact.query(echo, question as never, 1_000).then(heard, heard);
    };
    for (let i = 0; i < IN_FLIGHT; i++) ask();
  });
  let left = allHops;
  const members: nact.Ref<unknown>[] = [];
  const hops = await rate(allHops, (done) => {
    for (let i = 0; i < ACTORS; i++)
      members.push(
        nact.spawn(
          system,
          ((_: unknown, token: unknown) => {
            if (left-- > 0) nact.dispatch(members[(i + 1) % ACTORS]!, token);
            else if (left === -ACTORS) done();
          }) as never,
          `ring-${i}`,
        ) as never,
      );
    for (const member of members) nact.dispatch(member, letter);
  });
  for (const member of members) nact.stop(member);
  return { tells, ring: hops, asks };
}

await run({
  name: 'runtime',
  units: { tells: '1/s', ring: '1/s', asks: '1/s' },
  setup: `nact as it comes, stateful actors under the system; ${IN_FLIGHT} queries in flight`,
  ours: { name: 'actors', run: runOurs },
  beside: { name: 'nact', run: runRaw },
});
