import { common, workerFamilies } from '../../../src/actors/families.ts';
import { workerTree } from '../../../src/actors/tree.ts';
import { message } from '../../../src/protocol/messages.ts';
import { control } from '../../../src/protocol/ref.ts';
import type { Network } from '../network.ts';
import { type Faults, type Life, SimNode } from '../node.ts';
import type { World } from '../world.ts';
import { HEAD, sha256 } from './head.ts';
import type { Machine } from './machine.ts';

export type WorkerSetup = {
  readonly world: World;
  readonly network: Network;
  readonly machine: Machine;
  /** The head, while it lives: joining goes to it directly. */
  readonly head: () => Life | undefined;
  /** Its join token, which it was given at its birth. */
  readonly token: string;
  readonly faults: () => Faults;
  readonly committed: () => void;
  /** A machine that was given to us comes back after a crash, as does one at a site. */
  readonly restartMs: () => number;
};

/** A worker with the real runners. It joins once, dials its head, and tells what it has. */
export function openWorker(setup: WorkerSetup): SimNode {
  const { world, network, machine, faults } = setup;
  let joined = false;
  const dial = (life: Life): void => {
    const again = (): void => {
      life.clock.timer(world.dice.between(200, 5_000), () => dial(life));
    };
    if (!joined)
      return join(setup, life, (done) => {
        joined ||= done;
        if (done) dial(life);
        else again();
      });
    const done = life.guard((up: boolean) => {
      if (!up) again();
    });
    network.dial(life.port, HEAD, done);
  };
  return new SimNode(world, network, {
    name: machine.name,
    door: 'worker',
    skewMs: world.dice.between(-30_000, 30_000),
    faults,
    families: (life) => {
      const processes = machine.processes(() => life);
      const workplace = machine.workplace(() => life);
      const { clock } = life;
      const account = { user: 'nobody', accountOf: () => '' };
      const place = { address: '127.0.0.1', path: '/bin', ...account };
      return { ...common, ...workerFamilies({ processes, workplace, clock, ...place }) };
    },
    boot: (life) => {
      life.open(workerTree(life.stores.node));
      dial(life);
    },
    leader: () => HEAD,
    up: (life) => hello(setup, life),
    down: (life) => dial(life),
    committed: setup.committed,
    // Without its power the machine goes down with it.
    ended: (power) => {
      if (power === 'off') machine.reboot();
    },
    restartMs: setup.restartMs,
  });
}

/** Spends the token on a key, as a request for a certificate does. */
function join(setup: WorkerSetup, life: Life, then: (done: boolean) => void): void {
  const { world, network, machine, token } = setup;
  const answer = life.guard(then);
  world.in(world.dice.skewed(5, 500), () => {
    const head = setup.head();
    if (head === undefined || network.isCut(machine.name, HEAD)) return answer(false);
    const body = { node: machine.name, tokenHash: sha256(token), publicKey: machine.name };
    const who = { door: 'local', id: 'join' } as const;
    const to = control(`/nodes/${machine.name}`);
    head.node.routes.ask(to, message('node.join', body), 5_000, who, ({ ok }) => answer(ok));
  });
}

const HELLO_AGAIN_MS = 1_000;

function hello(setup: WorkerSetup, life: Life): void {
  const { name, resources } = setup.machine;
  const body = { node: name, address: '127.0.0.1', resources, version: '1' };
  const who = { door: 'local', id: `node ${name}` } as const;
  const to = control(`/nodes/${name}`);
  life.node.routes.ask(to, message('node.hello', body), HELLO_AGAIN_MS * 5, who, (answer) => {
    if (!answer.ok && answer.failure.retry)
      life.clock.timer(HELLO_AGAIN_MS, () => hello(setup, life));
  });
}
