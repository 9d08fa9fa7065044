import { setTimeout as sleep } from 'node:timers/promises';
import { Dice } from '../sim/dice.ts';
import { type Clients, startClients } from './clients.ts';
import { drawFaults, type FaultName, faultOf } from './faults.ts';
import { type Group, openGroup } from './group.ts';
import { openMarks } from './scripts.ts';
import { until } from './until.ts';
import { judge, type Verdict } from './verdict.ts';

export type ChaosOptions = {
  readonly rounds: number;
  /** Draws the faults, the scripts and the pauses; not what the machine makes of them. */
  readonly seed: number;
  /** Hears what happens. */
  readonly note: (text: string) => void;
  /** These faults instead of drawn ones. */
  readonly faults?: readonly FaultName[];
};

/** How long work stood still after a fault that hit the leader. */
export type Pause = { readonly fault: FaultName; readonly ms: number };
export type ChaosResult = {
  readonly rounds: number;
  readonly acked: number;
  readonly verdict: Verdict;
  readonly pauses: readonly Pause[];
};

const CLIENTS = 4;
const ACKED_MIN = 20;
const QUIET_S = 60;

/**
 * Three heads and two workers, and clients that do not stop. Each round one thing goes wrong and is
 * mended; then all must be well again before the next. In the end all that was promised is checked.
 */
export async function chaos(options: ChaosOptions): Promise<ChaosResult> {
  const { rounds, seed, note } = options;
  const group = await openGroup({ isSwitched: true });
  try {
    const marks = openMarks(group.home);
    const clients = startClients(group, marks, CLIENTS, seed);
    const pauses: Pause[] = [];
    const dice = new Dice(seed);
    const draw = drawFaults(dice);
    try {
      for (let round = 1; round <= rounds; round++) {
        const fault = options.faults?.[round - 1] ?? draw();
        note(`round ${round}: ${fault}`);
        const ms = await strike(group, clients, fault, dice);
        if (ms === undefined) continue;
        pauses.push({ fault, ms });
        note(`round ${round}: the next submit was acknowledged after ${Math.round(ms)} ms`);
      }
    } finally {
      await clients.stop();
    }
    const { histories } = clients;
    note(`${histories.acked.length} acknowledged, ${histories.unanswered.size} not answered`);
    const verdict = await judge(group, histories, marks);
    return { rounds, acked: histories.acked.length, verdict, pauses };
  } finally {
    await group.close();
  }
}

/** One round; gives how long work stood still, if the fault hit the leader. */
async function strike(
  group: Group,
  clients: Clients,
  name: FaultName,
  dice: Dice,
): Promise<number | undefined> {
  const { histories } = clients;
  const wanted = histories.acked.length + ACKED_MIN;
  const fault = await faultOf(group, name, dice);
  const from = performance.now();
  await fault.strike();
  const resumed = clients.submit().then(() => performance.now() - from);
  await fault.heal();
  const ms = await resumed;
  await until(() => histories.acked.length >= wanted, QUIET_S, 'enough submits acknowledged');
  await group.leader(QUIET_S);
  await sleep(dice.between(100, 500));
  return fault.hitsLeader && name !== 'all heads killed' ? ms : undefined;
}
