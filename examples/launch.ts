import { readFile } from 'node:fs/promises';
import { connectTo } from 'swm/node';
import { localPort } from './local-port.ts';
import { place } from './place.ts';
import { until } from './until.ts';

/** launch.ts SCRIPT PORT: a job's server on this machine, until Ctrl-C or its end. */
const [file = '', port = ''] = process.argv.slice(2);
const client = connectTo(place);
const script = await readFile(file, 'utf8');
const { id } = await client.call('job.submit', { script, file, inputs: [] });
process.once('SIGINT', () => void client.call('job.cancel', { id }));

await until(client, id, 'running');
const local = await localPort(client, id, Number(port));
const url = `http://127.0.0.1:${local.port}/`;
for (let isUp = false, phase = 'running'; !isUp && phase === 'running'; ) {
  isUp = await answers();
  if (isUp) console.log(`open ${url} and end it by Ctrl-C`);
  else ({ phase } = (await client.call('job.show', { id })).job);
}

const { state, details } = await until(client, id, 'ended');
console.log(`the server is ${state} ${details}`.trimEnd());
local.server.close();
client.close();

/** It may not listen yet: each try waits a while for it. */
async function answers(): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(10_000) })).ok;
  } catch {
    return false;
  }
}
