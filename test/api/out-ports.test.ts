import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Job } from '../../src/actors/job/job.ts';
import { keeping } from '../../src/actors/job/keeping.ts';
import { isThere, leadOut, type OutSetup, serveOuts } from '../../src/api/out-ports.ts';
import { outRules } from '../../src/platform/out-rules.ts';
import { ownNetwork } from '../../src/platform/outs.ts';
import type { Hub } from '../../src/platform/streams.ts';
import type { Failed } from '../../src/protocol/errors.ts';
import { memoryStore, type Shelf } from '../actors/memory.ts';
import { ID, liveJob, onNodes, over } from '../actors/things.ts';
import { type HubPair, hubPair } from '../platform/hub-pair.ts';

let server: Server;
let port: number;
let pairs: HubPair[];
let store: Shelf;
let currents: number;

beforeEach(async () => {
  pairs = [];
  store = memoryStore();
  currents = 0;
  server = createServer((socket) => void socket.on('error', () => {}).end('hello'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
afterEach(async () => {
  for (const pair of pairs) pair.end();
  await new Promise((done) => server.close(done));
});

const setup = (change: Partial<OutSetup> = {}): OutSetup => ({
  store,
  current: async () => void currents++,
  name: 'h1',
  hub: () => undefined,
  rules: outRules(['submitter']),
  ...change,
});

/** A worker `w1` with a link to a head of this setup, which it is for others as well. */
function link(made: OutSetup): Hub {
  const pair = hubPair();
  pairs.push(pair);
  pair.head.serve('port.out', serveOuts(made));
  return pair.worker;
}

const keep = (change: Partial<Job> = {}, asked = {}): void =>
  store.keep(
    keeping,
    `/jobs/${ID}`,
    liveJob(
      'running',
      onNodes('w0', 'w1'),
      { from: '127.0.0.1@h1', ...change },
      {
        ports: [{ port, protocol: 'tcp', direction: 'out' }],
        ...asked,
      },
    ),
  );

const wish = () => ({ job: ID, attempt: 1, rank: 1, port, at: '127.0.0.1', network: 'elsewhere' });

async function said(hub: Hub, change: object = {}): Promise<string> {
  const stream = hub.open('port.out', { ...wish(), ...change });
  stream.end();
  return buffer(stream).then(String, ({ failure }: Failed) => `${failure.code}: ${failure.text}`);
}

describe('a connection of a job', () => {
  it('is led to where it was submitted, once the records are current', async () => {
    keep();
    expect(await said(link(setup()))).toBe('hello');
    expect(currents).toBe(1);
  });

  it.each<[string, Partial<Job>]>([
    ['has ended', { phase: 'ended' }],
    ['waits for its next attempt', { phase: 'queued', attempt: 2 }],
    ['is at its next attempt', { attempt: 2 }],
    ['has no such rank there', { placement: onNodes('w1', 'w0') }],
    ['has ended on this node', { reports: [null, over({ rank: 1, node: 'w1' })] }],
  ])('is refused when its job %s', async (_, change) => {
    keep(change);
    expect(await said(link(setup()))).toBe(`forbidden: attempt ${ID}.1.1 is not on w1`);
  });

  it('is refused for a port that was not asked for, or not out', async () => {
    const hub = link(setup());
    expect(await said(hub)).toContain('is not on w1');
    const text = `forbidden: job ${ID} has not asked for port ${port} out`;
    for (const ports of [[], [{ port, protocol: 'tcp', direction: 'in' }]]) {
      keep({}, { ports });
      expect(await said(hub)).toBe(text);
    }
  });

  it('is refused for another node, whatever the worker says', async () => {
    keep();
    expect(await said(link(setup()), { rank: 0, node: 'w0' })).toContain('is not on w1');
  });

  it('is refused where the rules do not lead, and told of nobody there', async () => {
    keep({ from: '10.0.0.9' }, { submissionAddress: '127.0.0.1' });
    expect(await said(link(setup()))).toMatch(/^forbidden: 127\.0\.0\.1 is none/);
    keep();
    await new Promise((done) => server.close(done));
    expect(await said(link(setup()))).toMatch(/^unreachable: .*ECONNREFUSED/);
  });

  it('never goes round', async () => {
    keep();
    const hub = link(setup());
    const network = ownNetwork();
    expect(await said(hub, { network })).toMatch(/^refused: .* would lead back to itself$/);
    expect(await said(hub, { network, at: '127.0.0.2' })).toBe('hello');
  });

  it('is passed on to the head that the submitter spoke to, and no further', async () => {
    keep({ from: '127.0.0.1@h2' });
    const far = hubPair();
    pairs.push(far);
    // To that one it is a head that asks.
    Object.assign(far.head, { who: { door: 'head', id: 'h1' } });
    far.head.serve('port.out', serveOuts(setup({ name: 'h2' })));
    const near = setup({ hub: (name) => (name === 'h2' ? far.worker : undefined) });
    expect(await said(link(near))).toBe('hello');
    expect(await said(far.worker, { node: 'w1' })).toBe('hello');
    expect(await said(far.worker, { node: 'w0' })).toContain('is not on w0');
    keep({ from: '127.0.0.1@h3' });
    const text = 'unreachable: the job was submitted at h3, to which there is no link';
    expect(await said(link(near))).toBe(text);
    far.head.close({ code: 'stopping', text: '', retry: true });
  });

  it.each([
    [{ job: 7 }, '$.job'],
    [{ port: 0 }, '$.port'],
    [{ attempt: -1 }, '$.attempt'],
    [{ rank: '0' }, '$.rank'],
    [{ at: null }, '$.at'],
    [{ network: 'x'.repeat(300) }, '$.network'],
  ])('is refused when it is asked for by %o', async (change, at) => {
    keep();
    expect(await said(link(setup()), change)).toContain(`malformed: ${at}: `);
  });

  it('of the head’s own needs no stream, or nothing at all', async () => {
    keep({ placement: onNodes('w0', 'h1') });
    const socket = await leadOut(setup(), wish());
    expect(String(await buffer(socket.end()))).toBe('hello');
    const target = { host: '127.0.0.1', submitter: '127.0.0.1', head: 'h1' };
    expect(await isThere(setup(), '127.0.0.1')(target)).toBe(true);
    expect(await isThere(setup(), '127.0.0.2')(target)).toBe(false);
    expect(await isThere(setup({ name: 'h2' }), '127.0.0.1')(target)).toBe(false);
    expect(await isThere(setup(), '10.0.0.1')({ ...target, host: '10.0.0.1' })).toBe(false);
  });
});
