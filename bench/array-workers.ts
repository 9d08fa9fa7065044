import { common, workerFamilies } from '../src/actors/families.ts';
import { NO_LEAD, OF_NODE } from '../src/actors/lead.ts';
import type { Exit, Place } from '../src/actors/ports.ts';
import type { RunnerPorts } from '../src/actors/runner/tasks.ts';
import { workerTree } from '../src/actors/tree.ts';
import type { ShiftNews } from '../src/actors/ways.ts';
import { openDials } from '../src/node/dials.ts';
import { ledFrom } from '../src/node/lead.ts';
import { openBulk } from '../src/platform/bulk.ts';
import { makeKey, makeRequest } from '../src/platform/certificates.ts';
import { systemClock } from '../src/platform/clock.ts';
import { readCredentials } from '../src/platform/credentials.ts';
import { openLinks } from '../src/platform/links.ts';
import { requestJoin } from '../src/platform/request-join.ts';
import type { Places } from '../src/protocol/array-model.ts';
import { message, type Reply } from '../src/protocol/messages.ts';
import { control } from '../src/protocol/ref.ts';
import { nactCells } from '../src/runtime/cell.ts';
import { Node } from '../src/runtime/node.ts';
import { VERSION } from '../src/version.ts';
import { MemoryDisk } from '../test/ports/memory-store.ts';

/**
 * Workers in one process that speak the real mesh, with their real runners and a record of each in
 * memory. Only that no process is started: a task takes some time, and has then ended with 0.
 */
export type Orders = {
  readonly invitations: readonly Reply<'node.add'>[];
  readonly taskMs: number;
};

const EMPTY = {
  sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  bytes: 0,
};
const BYTES = 48;
const GOOD: Exit = { code: 0, signal: 0, at: 0, outOfMemory: false, lost: false };
const clock = systemClock();

/** A shift: what it was granted, and when it will have run that. */
class Shift {
  readonly #taskMs: number;
  readonly #places: Places[] = [];
  #granted = 0;
  #tasks = 0;
  #busyUntil = 0;
  #isOver = false;
  readonly exited: Promise<Exit>;
  #exit: (exit: Exit) => void = () => {};

  constructor(taskMs: number) {
    this.#taskMs = taskMs;
    this.exited = new Promise((resolve) => {
      this.#exit = resolve;
    });
  }

  feed({ grant, places, over }: Reply<'shift.next'>): void {
    if (grant > this.#granted && places.length > 0) {
      const count = places.reduce((sum, [from, to]) => sum + to - from + 1, 0);
      this.#places.push(...places);
      this.#granted = grant;
      this.#tasks += count;
      this.#busyUntil = Math.max(this.#busyUntil, performance.now()) + count * this.#taskMs;
    }
    this.#isOver ||= over;
    if (this.#isOver) setTimeout(() => this.end(), this.leftMs);
  }

  end(): void {
    this.#exit({ ...GOOD, at: Date.now() });
  }

  /** How long until it has nothing left to do. */
  get leftMs(): number {
    return Math.max(0, this.#busyUntil - performance.now());
  }

  news(from: number): ShiftNews {
    const open = Math.ceil(this.leftMs / this.#taskMs);
    const ended = this.#tasks - open;
    const results: { from: number; to: number; how: 'exited'; code: number }[] = [];
    let at = 0;
    for (const [begin, end] of this.#places) {
      const first = Math.max(begin, begin + from / BYTES - at);
      const last = Math.min(end, begin + ended - at - 1);
      if (first <= last) results.push({ from: first, to: last, how: 'exited', code: 0 });
      at += end - begin + 1;
    }
    return { granted: this.#granted, open, from, to: ended * BYTES, results };
  }
}

const REPORT_MS = 1_000;
const HELLO_MS = 5_000;

function portsOf(name: string, taskMs: number): RunnerPorts {
  const shifts = new Map<string, Shift>();
  const of = (id: string): Shift => {
    const known = shifts.get(id) ?? new Shift(taskMs);
    shifts.set(id, known);
    return known;
  };
  const idOf = ({ script }: Place): string => script;
  const doors = { open: async () => {}, close: async () => {} };
  return {
    processes: {
      ensure: async () => ({ pid: 1, at: Date.now(), unenforced: [] }),
      exited: ({ job }) => of(job).exited,
      stop: async ({ job }) => of(job).end(),
      signal: async () => false,
      forget: async ({ job }) => void shifts.delete(job),
      bootMs: () => performance.now(),
      renew: async () => {},
    },
    workplace: {
      stage: async ({ key: { job } }) => ({ directory: '/', script: job, stdout: '', stderr: '' }),
      collect: async () => ({ outputs: [], missing: [], stdout: EMPTY, stderr: EMPTY }),
      checkpoint: async () => [],
      clear: async () => {},
    },
    shifts: {
      async news({ place, from, isLast }) {
        const shift = of(idOf(place));
        const ms = isLast ? 0 : Math.min(shift.leftMs, REPORT_MS);
        if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
        return shift.news(from);
      },
      feed: async ({ place, work }) => of(idOf(place)).feed(work),
      recall: async () => {},
    },
    images: { bring: async () => {} },
    outs: doors,
    meter: { watch: () => () => {} },
    ownNetworks: true,
    tasks: doors,
    clock,
    address: '127.0.0.1',
    outAddress: '127.0.0.1',
    path: '/bin',
    user: name,
    accountOf: () => '',
    secrets: async () => ({}),
  };
}

const note = (): void => {};

async function join(invitation: Reply<'node.add'>, taskMs: number): Promise<void> {
  const { heads, caFingerprint, token, name } = invitation;
  const key = makeKey();
  const csr = await makeRequest(key);
  const answer = await requestJoin({ address: heads[0] ?? '', caFingerprint, token, csr, name });
  const led = ledFrom(NO_LEAD, async () => {});
  const greet = (): void => {
    const resources = { cpus: 1, memoryBytes: 2 ** 30, gpus: 0 };
    const body = { node: name, address: '127.0.0.1', resources, version: VERSION };
    const who = { door: 'local', id: `node ${name}` } as const;
    const hello = message('node.hello', body);
    node.routes.ask(control(`/nodes/${name}`), hello, HELLO_MS, who, ({ ok }) => ok || greet());
  };
  const links = openLinks({
    note,
    onUp: () => {},
    onDown: () => {},
    receive(who, envelope) {
      if (envelope.is !== 'call' || envelope.to !== OF_NODE)
        return node.routes.receive(who, envelope);
      if (envelope.message.name !== 'node.leader') return;
      void led.heard(who, envelope.message.body).then((isNews) => isNews && greet());
    },
  });
  const store = new MemoryDisk().open();
  const node = new Node(
    name,
    { ...common, ...workerFamilies(portsOf(name, taskMs)) },
    {
      clock,
      cells: nactCells(name),
      stores: { control: store, node: store },
      wire: links.wire,
      note,
      leader: () => led.lead.leader || undefined,
    },
  );
  node.open('supervisor', '', workerTree(store), () => {});
  const bulk = openBulk(() => {}, note);
  const credentials = readCredentials({ key, ...answer });
  openDials({ links, bulk, clock, note }, credentials).set(heads);
}

process.on('message', async ({ invitations, taskMs }: Orders) => {
  // A head lets a few join at a time.
  for (const invitation of invitations) await join(invitation, taskMs);
  process.send?.('joined');
});
