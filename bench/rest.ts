import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { keyPlaces } from '../src/platform/key-files.ts';
import { startDaemon } from './daemon.ts';
import type { Constant } from './rest-peer.ts';
import { type Measures, percentile, run } from './rounds.ts';
import type { Load } from './terminals-load.ts';

/**
 * Requests a second for a job, as terminals ask again and again: over connections that are kept,
 * and over a new TLS connection each, with certificates on both sides; beside a bare server of the
 * same keys, in a process of its own, that answers each with the same bytes. Meanwhile terminals in
 * processes of their own follow the job's log, which has a new line each second.
 */
const IN_FLIGHT = 16;
const KEPT = 3_000;
const FRESH = 400;
const FOLLOWERS = 1_000;
const PROCESSES = 2;

const daemon = await startDaemon();
const places = keyPlaces(daemon.spool);
const read = (path: string): Promise<string> => readFile(path, 'utf8');
const ca = await read(places.chain);
const admin = places.user('admin');
const cert = await read(admin.certificate);
/** Read once: what a client spends on its keys for each connection is not what is asked here. */
const secureContext = createSecureContext({ key: await read(admin.key), cert, ca });
const node = { key: await read(places.node.key), cert: await read(places.node.certificate), ca };
const file = JSON.parse(await read(join(daemon.spool, 'run', 'node.json')));
const { port } = file.terminal as { readonly port: number };

const { id } = await daemon.client.call('job.submit', {
  script: '#!/bin/sh\nwhile :; do date; sleep 1; done\n',
  inputs: [],
});
const path = `/user/job/${id}`;

function ask(to: number, agent: Agent | false): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: to, path, agent, secureContext };
    const sent = request(options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => {
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`${response.statusCode}: ${text}`));
      });
    });
    sent.on('error', reject).end();
  });
}

/** Keeps so many requests going until all are answered. */
async function load(to: number, count: number, agent: Agent | false): Promise<number[]> {
  const took: number[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next++ < count) {
      const begun = performance.now();
      await ask(to, agent);
      took.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  return took;
}

async function measure(to: number): Promise<Measures> {
  const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT });
  const begun = performance.now();
  const kept = await load(to, KEPT, agent);
  const between = performance.now();
  agent.destroy();
  const fresh = await load(to, FRESH, false);
  const end = performance.now();
  return {
    kept: KEPT / ((between - begun) / 1000),
    keptP99: percentile(kept, 0.99),
    fresh: FRESH / ((end - between) / 1000),
    freshP99: percentile(fresh, 0.99),
  };
}

async function follows(): Promise<ChildProcess> {
  const child = fork(new URL('./terminals-load.ts', import.meta.url));
  const address = `127.0.0.1:${port}`;
  const terminals = FOLLOWERS / PROCESSES;
  child.send({ kind: 'log', address, spool: daemon.spool, terminals, job: id } satisfies Load);
  await once(child, 'message');
  return child;
}

const following = await Promise.all(Array.from({ length: PROCESSES }, follows));
const peer = fork(new URL('./rest-peer.ts', import.meta.url));
try {
  peer.send({ ...node, answer: await ask(port, false) } satisfies Constant);
  const [bare] = (await once(peer, 'message')) as [number];
  await run({
    name: 'rest',
    units: { kept: '1/s', keptP99: 'ms', fresh: '1/s', freshP99: 'ms' },
    setup: `node:https answers a constant; ${IN_FLIGHT} requests in flight; ${FOLLOWERS} followers`,
    ours: { name: 'swm', run: () => measure(port) },
    beside: { name: 'bare node:https', run: () => measure(bare) },
  });
} finally {
  for (const child of [...following, peer]) child.kill();
  await daemon.close();
}
