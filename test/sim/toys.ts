import { failure } from '../../src/protocol/errors.ts';
import { type Body, message } from '../../src/protocol/messages.ts';
import { ref } from '../../src/protocol/ref.ts';
import type { Behaviour } from '../../src/runtime/behaviour.ts';
import { type AnyFamily, family, type Keeping } from '../../src/runtime/family.ts';
import type { PoolArgs } from '../../src/runtime/pool.ts';
import { pool } from '../../src/runtime/pool.ts';
import { type ChildSpec, supervisor } from '../../src/runtime/supervisor.ts';
import { kept } from './kept.ts';
import { Network } from './network.ts';
import { calm, type Faults, type Life, type NodePlan, SimNode } from './node.ts';
import { World } from './world.ts';

/** Mistakes that the world must find out; '' is none. */
export type Mistake = '' | 'timeouts count' | 'mutates' | 'impure' | 'asks once';

type NoTasks = Record<never, never>;

/** Says its number to the book, and says the next once that was acknowledged. */
type Teller = { readonly phase: 'telling'; readonly round: number };
type TellerEvent = { readonly is: 'again' };

/** The highest number that it was told. */
type Book = { readonly phase: 'open'; seen: number };

const keep = <S>(scope: 'control' | 'node'): Keeping<S> => ({
  scope,
  split: (state) => ({ all: state }),
  join: (parts) => parts['all'] as S,
  encode: (_, value) => new TextEncoder().encode(JSON.stringify(value)),
  decode: (_, bytes) => JSON.parse(new TextDecoder().decode(bytes)),
  index: () => [],
});
const bookKeeping = keep<Book>('control');
const tellerKeeping = keep<Teller>('node');

const hello = (round: number) =>
  message('node.hello', {
    node: 'w',
    address: '',
    resources: { cpus: 1, memoryBytes: 0, gpus: 0 },
    version: String(round),
  });

function teller(mistake: Mistake): Behaviour<null, Teller, never, TellerEvent, NoTasks> {
  const ask = (round: number) =>
    ({ do: 'ask', to: ref('h', '/nodes/w'), message: hello(round), ms: 2_000 }) as const;
  const next = (state: Teller) =>
    [
      { ...state, round: state.round + 1 },
      mistake === 'asks once' ? [ask(state.round + 1)] : [],
    ] as const;
  return {
    init: () => ({ phase: 'telling', round: 1 }),
    enter: ({ round }) => (mistake === 'asks once' && round > 1 ? [] : [ask(round)]),
    on(state, event) {
      if (event.is === 'answered') return next(state);
      if (event.is === 'again') return [state, [ask(state.round)]];
      if (event.is !== 'unanswered') return [state, []];
      if (mistake === 'timeouts count' && event.failure.code === 'timeout') return next(state);
      return [state, [{ do: 'after', ms: 500, event: { is: 'again' } }]];
    },
  };
}

let calls = 0;

function book(mistake: Mistake): Behaviour<unknown, Book, 'node.hello', never, NoTasks> {
  return {
    init: () => ({ phase: 'open', seen: 0 }),
    enter: () => [],
    on(state, event) {
      if (event.is !== 'told') return [state, []];
      const said = Number((event.message.body as Body<'node.hello'>).version);
      const reply = { do: 'reply', ask: event.ask, body: {} } as const;
      if (mistake === 'mutates') state.seen = said;
      const text = `heard ${mistake === 'impure' ? ++calls : said}`;
      return [{ ...state, seen: Math.max(state.seen, said) }, [reply, { do: 'note', text }]];
    },
  };
}

const families = (mistake: Mistake): Record<string, AnyFamily> => ({
  supervisor: family({ behaviour: supervisor, hears: [], tasks: {} }),
  nodes: family({
    behaviour: pool,
    hears: [],
    tasks: {},
    pool: { family: 'book', openedBy: ['node.hello'], unknown: (n) => failure('not_found', n) },
  }),
  book: family({
    behaviour: book(mistake),
    hears: ['node.hello'] as const,
    tasks: {},
    keeping: bookKeeping,
    rests: () => true,
  }),
  teller: family({
    behaviour: teller(mistake),
    hears: [],
    tasks: {},
    keeping: tellerKeeping,
  }),
});

const policy = {
  strategy: 'one',
  max: 20,
  withinMs: 60_000,
  backoff: { minMs: 100, maxMs: 1_000 },
} as const;
const poolArgs: PoolArgs = { policy: { ...policy, openPerStep: 10 }, family: 'book', live: [] };
const child = (name: string, args: unknown) =>
  ({ name, family: name, args, restart: 'permanent' }) as const;

const bad: Faults = {
  commitCrash: 0.01,
  commitFail: 0.005,
  turnCrash: 0.005,
  moody: '',
  diskMs: 40,
  lost: 0,
  siteCrash: 0,
};

/** A teller and its book on two nodes, on a day that is bad until noon. */
export async function toyDay(seed: number, mistake: Mistake = ''): Promise<World> {
  const world = new World(seed);
  const network = new Network(world);
  const noon = world.now + 120_000;
  const faults = (): Faults => (world.now < noon ? bad : calm);
  const plan = (name: string, door: 'head' | 'worker', root: ChildSpec): NodePlan => ({
    name,
    door,
    skewMs: world.dice.between(-5_000, 5_000),
    faults,
    families: () => families(mistake),
    boot: (life) => life.open({ policy, children: [root] }),
    leader: () => 'h',
    admits: () => true,
    restartMs: () => world.dice.skewed(10, 8_000),
  });
  const head = new SimNode(world, network, {
    ...plan('h', 'head', child('nodes', poolArgs)),
    committed: () => look(),
  });
  const dial = (life: Life): void => {
    const dialled = life.guard((up: boolean) => void (up || later()));
    const again = (): void => network.dial(life.port, 'h', dialled);
    const later = (): void => void life.clock.timer(world.dice.between(100, 2_000), again);
    again();
  };
  const workerPlan = plan('w', 'worker', child('teller', null));
  const worker = new SimNode(world, network, {
    ...workerPlan,
    boot: (life) => {
      workerPlan.boot(life);
      dial(life);
    },
    down: dial,
    committed: () => look(),
  });
  const booked = (): number => kept(head.disks.control, bookKeeping, '/nodes/w')?.seen ?? 0;
  const told = (): number => kept(worker.disks.node, tellerKeeping, '/teller')?.round ?? 1;
  const look = (): void => {
    const [seen, round] = [booked(), told()];
    world.check('acknowledged is saved', seen >= round - 1, () => `at ${round}, saved ${seen}`);
    world.check('nobody runs ahead', seen <= round, () => `at ${round}, saved ${seen}`);
  };
  for (const node of [head, worker]) node.start();
  for (let at = 0; at < 120_000; at += world.dice.between(1_000, 30_000)) {
    const how = world.dice.pick(['reset', 'silent', 'one-way'] as const);
    const ends: [string, string] = world.dice.chance(0.5) ? ['h', 'w'] : ['w', 'h'];
    world.in(at, () => network.cut(...ends, how, world.dice.skewed(0, 20_000)));
    const victim = world.dice.pick([head, worker]);
    if (world.dice.chance(0.3)) world.in(at, () => victim.crash('off', 'the dice'));
  }
  await world.until(noon + 30_000);
  const before = told();
  await world.pass(60_000);
  world.check('it goes on', told() > before + 10, () => `at ${before}, then ${told()}`);
  if (world.violation !== undefined) throw world.violation;
  return world;
}
