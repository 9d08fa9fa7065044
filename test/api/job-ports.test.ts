import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Job } from '../../src/actors/job/job.ts';
import { keeping } from '../../src/actors/job/keeping.ts';
import { type JobPortSetup, serveJobPorts } from '../../src/api/job-ports.ts';
import { serveForwards } from '../../src/platform/job-port.ts';
import type { Hub } from '../../src/platform/streams.ts';
import type { Failed } from '../../src/protocol/errors.ts';
import type { Who } from '../../src/protocol/who.ts';
import { memoryStore, type Shelf } from '../actors/memory.ts';
import { ID, liveJob, onNodes } from '../actors/things.ts';
import { type HubPair, hubPair } from '../platform/hub-pair.ts';

let server: Server;
let port: number;
let pairs: HubPair[];
let store: Shelf;

beforeEach(async () => {
  pairs = [];
  store = memoryStore();
  server = createServer({ allowHalfOpen: true }, (socket) => void socket.pipe(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
afterEach(async () => {
  for (const pair of pairs) pair.end();
  await new Promise((done) => server.close(done));
});

const OWNER = 'ada';
const here = () => ({ host: '127.0.0.1', port });

const setup = (change: Partial<JobPortSetup> = {}): JobPortSetup => ({
  store,
  current: async () => {},
  name: 'h1',
  hub: () => undefined,
  here: undefined,
  ...change,
});

/** What a terminal has of a head of this setup. */
function terminal(made: JobPortSetup, who: Who = { door: 'terminal', id: OWNER }): Hub {
  const pair = hubPair();
  pairs.push(pair);
  Object.assign(pair.head, { who });
  pair.head.serve('job.port', serveJobPorts(made));
  return pair.worker;
}

const keep = (change: Partial<Job> = {}, direction: 'in' | 'out' = 'in'): void => {
  const ports = [{ port: 80, protocol: 'tcp' as const, direction }];
  const job = liveJob('running', onNodes('w0', 'w1'), { owner: OWNER, ...change }, { ports });
  store.keep(keeping, `/jobs/${ID}`, job);
};

async function said(hub: Hub, body: object = {}): Promise<string> {
  const stream = hub.open('job.port', { job: ID, port: 80, ...body });
  stream.end('hello');
  return buffer(stream).then(String, ({ failure }: Failed) => `${failure.code}: ${failure.text}`);
}

describe('a port of a job', () => {
  it('is led to on its main node, and each direction ends for itself', async () => {
    keep();
    const far = hubPair();
    pairs.push(far);
    const asked: unknown[] = [];
    serveForwards(far.head, (...of) => {
      asked.push(of);
      return here();
    });
    const hub = (name: string) => (name === 'w0' ? far.worker : undefined);
    expect(await said(terminal(setup({ hub })))).toBe('hello');
    expect(asked).toEqual([[ID, 80]]);
  });

  it('is led to where the head itself runs it, also for operators', async () => {
    keep({ placement: onNodes('h1') });
    const operator = { door: 'operator', id: 'root' } as const;
    expect(await said(terminal(setup({ here }), operator))).toBe('hello');
  });

  it('is refused to others than its owner', async () => {
    keep({ placement: onNodes('h1') });
    const hub = terminal(setup({ here }), { door: 'terminal', id: 'eve' });
    expect(await said(hub)).toBe(`forbidden: job ${ID} belongs to somebody else`);
  });

  it('is refused if there is no such job, or port', async () => {
    const hub = terminal(setup({ here }));
    expect(await said(hub)).toBe(`not_found: no job ${ID}`);
    keep({ placement: onNodes('h1') });
    expect(await said(hub, { port: 81 })).toBe(`not_found: job ${ID} has not asked for port 81`);
    keep({ placement: onNodes('h1') }, 'out');
    expect(await said(hub)).toBe(`not_found: job ${ID} has not asked for port 80`);
    expect(await said(hub, { port: 0 })).toContain('malformed: $.port: ');
  });

  it('is refused while the job does not run', async () => {
    keep({ phase: 'collecting' });
    expect(await said(terminal(setup()))).toMatch(/^wrong_phase: job .* is collecting: /);
  });

  it('breaks when the node does, and says so', async () => {
    keep();
    const far = hubPair();
    pairs.push(far);
    far.head.serve('port.open', ({ stream, accept }) => {
      accept();
      stream.resume();
      stream.once('data', () => far.head.close({ code: 'lost', text: 'gone', retry: true }));
    });
    expect(await said(terminal(setup({ hub: () => far.worker })))).toBe('lost: gone');
  });
});
