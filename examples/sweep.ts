import type { Client } from 'swm/client';
import { connectTo } from 'swm/node';
import { place } from './place.ts';
import { until } from './until.ts';

/** sweep.ts NUMBER…: squares each number in a job of its own, all at once, and prints a table. */
const values = process.argv.slice(2).map(Number);
const client = connectTo(place);
const results = await Promise.all(values.map((value) => squared(client, value)));
for (const [at, result] of results.entries()) console.log(`${values[at]}\t${result}`);
client.close();

async function squared(swm: Client, value: number): Promise<string> {
  const script = `#!/bin/sh\n#SWM name square-${value}\necho $(( ${value} * ${value} ))\n`;
  const { id } = await swm.call('job.submit', { script, inputs: [] });
  const { state, details } = await until(swm, id, 'ended');
  if (state !== 'F') return `failed: ${details}`;
  const printed: Uint8Array[] = [];
  for await (const bytes of swm.follow(id)) printed.push(bytes);
  return Buffer.concat(printed).toString().trim();
}
