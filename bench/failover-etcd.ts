import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Addresses, drawAddresses, PORTS } from '../test/chaos/addresses.ts';
import { openSwitchboard } from '../test/chaos/switchboard.ts';
import { until } from '../test/chaos/until.ts';
import type { Hit, Peers } from './failover-rounds.ts';

/** etcd's own timing, or one like ours; both in ms. */
export type Timing = { readonly beat: number; readonly election: number };

/**
 * Another member is asked as well when one has not answered by then, as our client does it; and
 * each is asked anew, since a member passes a put on to a leader that may be gone, and then waits.
 */
const HEDGE_MS = 200;
const WRITE_MS = 30_000;

/** Whether etcd is installed here. */
export const hasEtcd = (): boolean => spawnSync('etcd', ['--version']).status === 0;

type Member = { readonly name: string; readonly url: string; child: ChildProcess };

/** Three members on loopback, each with a disk of its own; the write is a put. */
export async function openEtcd(name: string, timing: Timing): Promise<Peers> {
  const addresses = await drawAddresses();
  const home = await mkdtemp(join(tmpdir(), 'swm-bench-etcd-'));
  const members: Member[] = [];
  const switchboard = openSwitchboard(
    () => new Map(members.map((each) => [each.child.pid ?? 0, each.name])),
  );
  const start = (number: number): ChildProcess => startMember(addresses, home, timing, number);
  for (const number of [1, 2, 3]) {
    const host = addresses.of(number);
    const listens = { host, port: PORTS.mesh };
    await switchboard.add(`m${number}`, { host, port: PORTS.switchboard }, listens);
    const url = `http://${host}:${PORTS.terminals}`;
    members.push({ name: `m${number}`, url, child: start(number) });
  }
  let at = 0;
  const write = async (): Promise<void> => {
    at = await put(members, at);
  };
  const leading = async (): Promise<Member | undefined> => {
    const all = await Promise.all(members.map((each) => statusOf(each)));
    const [first] = all;
    const isSame = all.every((each) => each !== undefined && each.leader === first?.leader);
    if (!isSame || first?.leader === undefined) return undefined;
    return members.find((_, at) => all[at]?.self === first.leader);
  };
  const close = async (): Promise<void> => {
    for (const { child } of members) await killed(child);
    await switchboard.close();
    await addresses.release();
    await rm(home, { recursive: true, force: true });
  };
  const hit = async (how: 'kill' | 'stop' | 'cut'): Promise<Hit> => {
    const leader = (await leading()) as Member;
    const number = members.indexOf(leader) + 1;
    if (how === 'kill') {
      await killed(leader.child);
      return {
        async heal() {
          leader.child = start(number);
        },
      };
    }
    if (how === 'stop') {
      leader.child.kill('SIGSTOP');
      return { heal: async () => void leader.child.kill('SIGCONT') };
    }
    for (const other of members.filter((each) => each !== leader)) {
      switchboard.cut(leader.name, other.name, 'dark');
      switchboard.cut(other.name, leader.name, 'dark');
    }
    return { heal: async () => switchboard.heal() };
  };
  const settled = () => until(async () => (await leading()) !== undefined, 60, 'etcd');
  return { name, write, hit, settled, close };
}

function startMember(
  addresses: Addresses,
  home: string,
  { beat, election }: Timing,
  number: number,
): ChildProcess {
  const host = addresses.of(number);
  const peer = (of: number): string => `http://${addresses.of(of)}:${PORTS.switchboard}`;
  const client = `http://${host}:${PORTS.terminals}`;
  const options = {
    name: `m${number}`,
    'data-dir': join(home, `m${number}`),
    'listen-peer-urls': `http://${host}:${PORTS.mesh}`,
    'initial-advertise-peer-urls': peer(number),
    'listen-client-urls': client,
    'advertise-client-urls': client,
    'initial-cluster': [1, 2, 3].map((each) => `m${each}=${peer(each)}`).join(),
    'heartbeat-interval': `${beat}`,
    'election-timeout': `${election}`,
    'log-level': 'error',
  };
  const args = Object.entries(options).map(([key, value]) => `--${key}=${value}`);
  return spawn('etcd', args, { stdio: 'ignore' });
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const over = once(child, 'exit');
  child.kill('SIGKILL');
  await over;
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

async function ask(url: string, body: object, signal: AbortSignal): Promise<unknown> {
  const init = { method: 'POST', body: JSON.stringify(body), signal };
  const response = await fetch(url, init);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.json();
}

type Status = { readonly leader: string | undefined; readonly self: string };

async function statusOf({ url }: Member): Promise<Status | undefined> {
  try {
    const asked = ask(`${url}/v3/maintenance/status`, {}, AbortSignal.timeout(1_000));
    const { leader, header } = (await asked) as { leader?: string; header: { member_id: string } };
    return { leader: leader === '0' ? undefined : leader, self: header.member_id };
  } catch {
    return undefined;
  }
}

/** Puts at one member, and at the next ones if it fails or is late; gives who answered first. */
async function put(members: readonly Member[], first: number): Promise<number> {
  const body = { key: base64('key'), value: base64('x'.repeat(1_500)) };
  const stop = new AbortController();
  const late = performance.now() + WRITE_MS;
  const lane = async (at: number, wait: number): Promise<number> => {
    await sleep(wait, undefined, { signal: stop.signal });
    while (performance.now() < late) {
      const { url } = members[at] as Member;
      const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(HEDGE_MS)]);
      const done = ask(`${url}/v3/kv/put`, body, signal).then(
        () => true,
        () => false,
      );
      if (await done) return at;
      await sleep(5, undefined, { signal: stop.signal });
    }
    throw new Error('etcd took no write');
  };
  const lanes = members.map((_, n) => lane((first + n) % members.length, n * HEDGE_MS));
  try {
    return await Promise.any(lanes);
  } finally {
    stop.abort();
  }
}
