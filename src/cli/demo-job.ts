import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../client/client.ts';
import type { Input } from '../platform/input-files.ts';
import { Failed } from '../protocol/errors.ts';
import { parseScript } from '../protocol/jobscript/jobscript.ts';
import { limits } from '../protocol/limits.ts';
import type { JobView } from '../protocol/model.ts';
import { type Stage, speed } from './demo-stage.ts';
import { showCluster, showJob, showNodes } from './demo-watch.ts';
import { findInputs } from './inputs.ts';
import { openFolder } from './outputs.ts';
import { short, size } from './words.ts';

export type Play = {
  readonly client: Client;
  readonly stage: Stage;
  /** The input files lie here, and the results come here. */
  readonly root: string;
  readonly script: string;
  /** Told the job's id, and again when there is more of it to be seen on this machine. */
  readonly grown: (id: string) => void;
  /** What is done while the job serves its page, before that is asked for. */
  readonly meanwhile?: () => Promise<void>;
};

export type Played = {
  readonly job: JobView;
  /** The output file as it was fetched, and what the job's port gave. */
  readonly output: string;
  readonly page: string;
};

/** How long the page may take once the job says that it is there. */
const PAGE_MS = 10_000;
const AGAIN_MS = 100;

/** Takes a job from its submission to its end, and shows each step of it. Throws `Failed`. */
export async function play(demo: Play): Promise<Played> {
  const { client, stage, root, script, grown, meanwhile = async () => {} } = demo;
  const parsed = parseScript(script, 'wordcount.job');
  if ('errors' in parsed) throw new Failed('bad_script', parsed.errors[0]?.text ?? '');
  const { inputFiles, nodes } = parsed.spec;
  const inputs = await findInputs(inputFiles, root);
  for (const input of inputs) await send(demo, input);
  const files = inputs.map(({ file }) => file);
  const { id } = await client.call('job.submit', { script, inputs: files });
  grown(id);
  stage.step('job', `${short(id)} is queued, and kept whatever happens from now on`);

  const cluster = `swm-${short(id)}`;
  const served = Promise.withResolvers<void>();
  const running = Promise.withResolvers<void>();
  const collected = Promise.withResolvers<void>();
  const joined = showNodes(client, stage, cluster, nodes).then(() => grown(id));
  const logs = Array.from({ length: nodes }, (_, rank) =>
    follow(demo, id, rank, (line) => line.startsWith('serving') && served.resolve()),
  );
  const [page, output] = await Promise.all([
    Promise.all([served.promise, running.promise])
      .then(meanwhile)
      .then(() => fetchPage(demo, id)),
    collected.promise.then(() => download(demo, id)),
    showJob(client, stage, id, {
      staged: () => stage.moved('upload', `${inputFiles.join(', ')} to all ${nodes} workers`),
      running: running.resolve,
      collected: collected.resolve,
    }),
    showCluster(client, stage, cluster),
    joined,
    ...logs,
  ]);
  const { job } = await client.call('job.show', { id });
  return { job, output, page };
}

/** Brings a file to the head. */
async function send({ client, stage }: Play, { from, file }: Input): Promise<void> {
  const since = performance.now();
  const open = (start: number) =>
    createReadStream(from, { start, highWaterMark: limits.blobChunkBytes });
  await client.upload(file, open, (done, total) =>
    stage.moving('upload', `${file.path}: ${size(done)} of ${size(total)}`, done / total),
  );
  stage.moved('upload', `${file.path} to the head: ${speed(file.bytes, since)}`);
}

/** Shows what one of the job's processes prints, to the last line. */
async function follow(
  { client, stage }: Play,
  id: string,
  rank: number,
  heard: (line: string) => void,
): Promise<void> {
  const text = new TextDecoder();
  let rest = '';
  for await (const bytes of client.follow(id, { rank })) {
    const lines = `${rest}${text.decode(bytes, { stream: true })}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      stage.said(rank, line);
      heard(line);
    }
  }
  if (rest !== '') stage.said(rank, rest);
}

/** Asks the job for its page, at the address that it has on this machine while it runs. */
async function fetchPage({ client, stage, grown }: Play, id: string): Promise<string> {
  const { job } = await client.call('job.show', { id });
  const port = job.spec.ports.find(({ direction }) => direction === 'in')?.port;
  const url = `http://${job.address}:${port}/`;
  grown(id);
  const until = performance.now() + PAGE_MS;
  for (;;) {
    const since = performance.now();
    try {
      const { status, body } = await request(url);
      if (status !== 200) throw new Error(`status ${status}`);
      stage.step('port', `${url} answers through the tunnel: ${speed(body.length, since)}`);
      return body;
    } catch (error) {
      const why = (error as Error).message;
      if (performance.now() > until) throw new Failed('unreachable', `${url}: ${why}`);
      await sleep(AGAIN_MS);
    }
  }
}

const request = (url: string): Promise<{ readonly status: number; readonly body: string }> =>
  new Promise((resolve, reject) => {
    const asked = get(url, { agent: false, timeout: PAGE_MS }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text) => (body += text));
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.once('error', reject);
    });
    asked.once('timeout', () => asked.destroy(new Error('no answer in time')));
    asked.once('error', reject);
  });

/** Fetches the output file; its sum is checked on the way. */
async function download({ client, stage, root }: Play, id: string): Promise<string> {
  const { job } = await client.call('job.show', { id });
  const [file] = job.outputs;
  if (file === undefined) throw new Failed('output_missing', 'the job has made no output file');
  const since = performance.now();
  const folder = await openFolder(join(root, 'results'));
  const path = await folder.bring(
    file,
    (offset) => client.download(file, offset),
    (done) => stage.moving('download', file.path, done / file.bytes),
  );
  const sum = `sha256 ${short(file.sha256)}… is right`;
  stage.moved('download', `${file.path}: ${speed(file.bytes, since)}; ${sum}`);
  return readFile(path, 'utf8');
}
