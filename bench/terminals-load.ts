import { connect } from '../src/client/client.ts';
import { dialTerminal } from '../src/platform/dial.ts';
import { keyPlaces, loadCredentials } from '../src/platform/key-files.ts';

/** Terminals of one process, each with a connection of its own, that all wait for the same. */
export type Load = {
  readonly kind: keyof typeof waits;
  readonly address: string;
  readonly spool: string;
  readonly terminals: number;
  /** The job that they watch, or whose log they follow; a bare server sends what it likes. */
  readonly job: string;
};

/** What the process tells: that all are connected, or when each of them heard of a change. */
export type Heard = { readonly is: 'ready' } | { readonly is: 'heard'; readonly at: number[] };

const IN_FLIGHT = 16;

const tell = (heard: Heard): void => void process.send?.(heard);

type Open = () => ReturnType<typeof dialTerminal>;

/** Opens what a terminal waits on, and calls at each thing that it hears from then on. */
const waits = {
  async swm(open: Open, job: string, heard: () => void): Promise<void> {
    const rows = connect({ open }).watch('jobs', { id: job });
    for (let key = job; key !== ''; ) key = (await rows.next()).value?.key ?? '';
    void each(rows, heard);
  },
  async log(open: Open, job: string, heard: () => void): Promise<void> {
    const log = connect({ open }).follow(job, { follow: true });
    await log.next();
    void each(log, heard);
  },
  async bare(open: Open, _: string, heard: () => void): Promise<void> {
    (await open()).onFrame(heard);
  },
};

async function each(things: AsyncIterable<unknown>, heard: () => void): Promise<void> {
  for await (const _ of things) heard();
}

/** The same clock in all processes of a machine. */
export const instant = (): number => performance.timeOrigin + performance.now();

async function play({ kind, address, spool, terminals, job }: Load): Promise<void> {
  const places = keyPlaces(spool);
  const credentials = await loadCredentials(places.user('admin'), places.chain);
  const open = () => dialTerminal({ address, credentials, subprotocol: 'swm.v1+msgpack' });
  let at: number[] = [];
  const arrived = (): void => {
    at.push(instant());
    if (at.length < terminals) return;
    tell({ is: 'heard', at });
    at = [];
  };
  let opened = 0;
  const lane = async (): Promise<void> => {
    while (opened++ < terminals) await waits[kind](open, job, arrived);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  tell({ is: 'ready' });
}

if (process.send !== undefined) process.once('message', (load: Load) => void play(load));
