import { systemClock } from '../src/platform/clock.ts';
import type { Link } from '../src/platform/link.ts';
import { openLinks } from '../src/platform/links.ts';
import type { Name } from '../src/protocol/messages.ts';
import { ref } from '../src/protocol/ref.ts';
import type { Behaviour } from '../src/runtime/behaviour.ts';
import { nactCells } from '../src/runtime/cell.ts';
import { family } from '../src/runtime/family.ts';
import { Node } from '../src/runtime/node.ts';
import type { Store, Wire } from '../src/runtime/ports.ts';
import { hello, paths, report, taken, who } from './delivery-load.ts';
import type { Part, Speaker } from './delivery-peer.ts';

type State = { readonly phase: 'on' };
type NoTasks = Record<never, never>;
type Heard = (left: number) => void;

const ON: State = { phase: 'on' };

/** An actor that counts what it is told, and answers what it is asked. */
const counter = (heard: Heard): Behaviour<null, State, Name, never, NoTasks> => ({
  init: () => ON,
  enter: () => [],
  on(state, event) {
    if (event.is !== 'told') return [state, []];
    if (event.ask !== 0) return [state, [{ do: 'reply', ask: event.ask, body: {} }]];
    heard((event.message.body as { readonly seq: number }).seq);
    return [state, []];
  },
});

const noStore = {} as Store;

function nodeOf(name: string, heard: Heard, wire: Wire): Node {
  const hears: readonly Name[] = ['job.report', 'runner.taken', 'node.hello'];
  const families = { counter: family({ behaviour: counter(heard), hears, tasks: {} }) };
  return new Node(name, families, {
    clock: systemClock(),
    cells: nactCells('bench'),
    stores: { control: noStore, node: noStore },
    wire,
    note: () => {},
    leader: () => 'h1',
  });
}

/** A node with links and actors as every swm has them. */
export function ourSpeaker(role: Part['role']): Speaker & { take(link: Link): void } {
  const [name, peer] = role === 'head' ? ['h1', 'w1'] : ['w1', 'h1'];
  const path = role === 'head' ? paths.runner : paths.job;
  const make = role === 'head' ? taken : report;
  const to = ref(peer, path);
  let sum = 0;
  let done: ((sum: number) => void) | undefined;
  let took = true;
  const heard = (left: number): void => {
    if (done !== undefined) return done(left);
    sum += 1;
    if (left > 0) return;
    node.routes.tell(to, make(sum), who);
    sum = 0;
  };
  const links = openLinks({
    note: (_, at, text, fields) =>
      process.stderr.write(`${at} ${text} ${JSON.stringify(fields)}\n`),
    receive: (from, envelope) => node.routes.receive(from, envelope),
    onUp: () => {},
    onDown: () => {},
  });
  const node: Node = nodeOf(name, heard, {
    send(wanted, envelope) {
      took = links.wire.send(wanted, envelope);
      return took;
    },
  });
  for (const own of role === 'head' ? [paths.job, paths.node] : [paths.runner])
    node.open('counter', own, null, () => {});
  return {
    take: (link) => links.take(link),
    tell(left) {
      node.routes.tell(to, make(left), who);
      return took;
    },
    heard: () =>
      new Promise((resolve) => {
        done = (count) => {
          done = undefined;
          resolve(count);
        };
      }),
    ask(then) {
      node.routes.ask(ref(peer, paths.node), hello(), 30_000, who, (answer) => {
        if (!answer.ok) throw new Error(answer.failure.text);
        then();
      });
    },
  };
}
