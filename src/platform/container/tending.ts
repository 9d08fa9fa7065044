import { closeSync, constants, fchownSync, openSync } from 'node:fs';
import type { ContainerInspectInfo } from 'dockerode';
import type { Exit, ProcessOrder } from '../../actors/ports.ts';
import { Failed } from '../../protocol/errors.ts';
import type { Account } from '../process/account.ts';
import { type Attempt, marksOf, settle } from '../process/attempt.ts';
import { bootId, look } from '../process/being.ts';
import type { Tended } from '../process/contained.ts';
import { bootMs } from '../process/leases.ts';
import { isOwnLog } from '../process/order.ts';
import { appendRecord, exitLine, readRecord, type Told } from '../process/record.ts';
import { blueprint, labelsOf, nameOf } from './blueprint.ts';
import type { Box } from './box.ts';
import { beganAgain, hasBegun, makeClaim, removeClaim } from './claim.ts';
import { engineFailed, statusOf } from './engine.ts';
import { exitOf, lostAt, stageOf, startedAt } from './exit.ts';
import { addressIn, type Networks } from './network.ts';

/** One attempt, with what it takes to see to its container. */
export type Tending = {
  readonly attempt: Attempt;
  readonly host: Tended;
  readonly box: Box;
  /** The engine runs as our own account. */
  readonly rootless: boolean;
  readonly installation: string;
  readonly mark: Readonly<Record<string, string>>;
  readonly spool: string;
  /** Undefined: the operator has all containers share the machine's. */
  readonly networks: Networks | undefined;
  readonly seen: Seen;
};

/** What this life has seen of an attempt, and its record does not say. */
export type Seen = {
  /** Why it could not be started. */
  why?: Failed;
  /** The engine went away while it ran, so what ended it then may be the engine. */
  cut?: true;
};

type State = ContainerInspectInfo['State'];
type Alive = Told & { readonly is: 'starting' | 'running' };

/**
 * Does the next thing that the record and the container ask for. `parked`: it was never begun, and
 * nobody has ordered it in this life. What is thrown is that the engine does not answer.
 */
export async function step(tending: Tending): Promise<'again' | 'over' | 'parked'> {
  const { attempt, box, seen } = tending;
  const told = readRecord(attempt.path);
  if (told.is !== 'starting' && told.is !== 'running') return finish(tending, told);
  const info = await box.look();
  if (info === undefined) return absent(tending, told);
  const state = info.State;
  switch (stageOf(state)) {
    case 'made':
      return told.is === 'starting' ? start(tending, told) : vanished(attempt, told);
    case 'runs':
      // What runs as our own account has its networks where we are not.
      if (!tending.rootless) attempt.address = addressIn(info);
      began(attempt, told, state);
      seen.cut = true;
      await box.wait();
      await box.look();
      delete seen.cut;
      return 'again';
    case 'over':
      if (told.is === 'starting' && state.ExitCode === REFUSED && !hasBegun(attempt.path))
        return refuse(tending, new Failed('start_failed', 'its container could not begin'));
      began(attempt, told, state);
      appendRecord(attempt.path, exitLine(endOf(tending, told, state)));
      return 'again';
  }
}

/** By which the first thing that runs in a container says that it did not go on. */
const REFUSED = 125;

/** The record says all that there is to say: the container goes. */
async function finish({ attempt, host, box, seen: { why } }: Tending, told: Told): Promise<'over'> {
  await box.remove();
  removeClaim(attempt.path);
  if (told.is === 'failed' && why) host.failed(attempt, why);
  else host.over(attempt, told);
  return 'over';
}

async function absent(tending: Tending, told: Alive): Promise<'again' | 'parked'> {
  const { attempt } = tending;
  if (told.is === 'running' || hasBegun(attempt.path)) return vanished(attempt, told);
  if (told.boot !== bootId()) return never(attempt);
  if (attempt.order === undefined) return 'parked';
  try {
    await make(tending, attempt.order);
    return 'again';
  } catch (error) {
    if (statusOf(error) === undefined && !(error instanceof Failed)) throw error;
    return refuse(tending, engineFailed(error, 'the container engine cannot make it'));
  }
}

/** What has begun is not begun anew. */
function vanished(attempt: Attempt, told: Alive): 'again' {
  began(attempt, told, undefined);
  appendRecord(attempt.path, exitLine(lostAt(Date.now())));
  return 'again';
}

/** Its boot is over, and it had not begun. */
function never({ path }: Attempt): 'again' {
  appendRecord(path, `void ${Date.now()}`);
  return 'again';
}

async function make(tending: Tending, order: ProcessOrder): Promise<void> {
  const { attempt, host, box, rootless, spool } = tending;
  const account = await host.account(order);
  const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const { uid, gid } = account ?? own;
  const claim = makeClaim(attempt.path, uid, gid);
  // Who keeps it from beginning has said so in the record by now, or will find the claim.
  if (readRecord(attempt.path).is !== 'starting') return;
  for (const log of new Set([order.stdout, order.stderr]))
    if (isOwnLog(order, log, spool)) giveLog(log, account);
  const network = order.reached && (await tending.networks?.(attempt.path, order.reached));
  await box.make(
    blueprint(order, {
      name: nameOf(attempt.path),
      labels: labelsOf(attempt.path, order.key, tending.installation),
      marks: marksOf(tending.mark, order.key),
      // Root in such a container is our own account outside.
      ...(rootless ? { uid: 0, gid: 0 } : { uid, gid }),
      groups: rootless ? [] : (account?.groups ?? []),
      claim,
      ...(network && { network }),
    }),
  );
}

/** As a slot opens it: below a directory that is ours, and no link in its place. */
function giveLog(path: string, account: Account | undefined): void {
  const { O_WRONLY, O_CREAT, O_APPEND, O_NOFOLLOW, O_NONBLOCK } = constants;
  const file = openSync(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK, 0o600);
  try {
    if (account) fchownSync(file, account.uid, account.gid);
  } finally {
    closeSync(file);
  }
}

async function start(tending: Tending, told: Alive): Promise<'again'> {
  const { attempt, box } = tending;
  if (told.boot !== bootId()) return never(attempt);
  try {
    await box.start();
  } catch (error) {
    if (statusOf(error) === undefined) throw error;
    return refuse(tending, engineFailed(error, 'the container engine cannot start it'));
  }
  return 'again';
}

function refuse(tending: Tending, why: Failed): 'again' {
  tending.seen.why = why;
  appendRecord(tending.attempt.path, 'failed engine 0');
  return 'again';
}

/** Writes down, once, that it runs or has run; by a pid only while it has one. */
function began(attempt: Attempt, told: Alive, state: State | undefined): void {
  if (told.is === 'running') return;
  const sight = state && state.Pid > 0 ? look(state.Pid) : undefined;
  const { pid, start: ticks } = sight ?? { pid: 1, start: 0 };
  const at = (state && startedAt(state)) || Date.now();
  const now = appendRecord(attempt.path, `pid ${pid} ${ticks} ${ticks} ${at}`);
  if (now.is === 'running') settle(attempt, now);
}

/** What ended with the machine, or with its engine, did not end by itself. */
function endOf({ attempt, seen }: Tending, { boot }: Alive, state: State): Exit {
  const exit = exitOf(state);
  const withBoot = boot !== bootId() && exit.at > Date.now() - bootMs();
  const withEngine = seen.cut === true && exit.signal !== 0 && !exit.outOfMemory;
  return withBoot || withEngine || beganAgain(attempt.path) ? lostAt(exit.at) : exit;
}
