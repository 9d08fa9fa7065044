import { createHash } from 'node:crypto';
import type { Resources } from '../../../src/actors/ports.ts';
import { message } from '../../../src/protocol/messages.ts';
import { control } from '../../../src/protocol/ref.ts';
import type { Life } from '../node.ts';
import type { World } from '../world.ts';

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export type Joining = {
  readonly world: World;
  /** Any head that lives and could be dialled. */
  readonly anyHead: (from: string) => Life | undefined;
};

const TRIES_MAX = 20;

/**
 * Spends a token on a key, as a request for a certificate does, again until it is spent. A machine
 * whose time was over before it booted asks less and less often.
 */
export function join(
  { world, anyHead }: Joining,
  life: Life,
  token: string,
  done: () => void,
  tries = 1,
) {
  const { name } = life.port;
  const slower = Math.max(1, Math.min(tries, TRIES_MAX) - 4);
  const again = (): void =>
    void life.clock.timer(world.dice.between(200, 5_000) * slower, () =>
      join({ world, anyHead }, life, token, done, tries + 1),
    );
  const answer = life.guard((ok: boolean) => (ok ? done() : again()));
  world.in(world.dice.skewed(5, 500), () => {
    const head = anyHead(name);
    if (head === undefined) return answer(false);
    const body = { node: name, tokenHash: sha256(token), publicKey: name };
    const who = { door: 'local', id: 'join' } as const;
    const question = message('node.join', body);
    // A head that dies meanwhile answers nothing.
    let over = false;
    const once = (ok: boolean): void => {
      if (!over) answer(ok);
      over = true;
    };
    world.in(7_000, () => once(false));
    head.node.routes.ask(control(`/nodes/${name}`), question, 5_000, who, ({ ok }) => once(ok));
  });
}

const AGAIN_MS = 1_000;
const HELLO_MS = 5_000;

/** Tells the registry what a node is and has, until it was heard. */
export function greeter(world: World, life: Life, resources: Resources): () => void {
  const { name } = life.port;
  const body = { node: name, address: '127.0.0.1', resources, version: '1' };
  const who = { door: 'local', id: `node ${name}` } as const;
  let waits = false;
  const greet = (): void => {
    waits = false;
    const to = control(`/nodes/${name}`);
    life.node.routes.ask(to, message('node.hello', body), HELLO_MS, who, (answer) => {
      if (answer.ok || !answer.failure.retry || waits) return;
      waits = true;
      life.clock.timer(world.dice.between(AGAIN_MS / 2, AGAIN_MS), greet);
    });
  };
  return greet;
}
