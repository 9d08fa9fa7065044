import { readFile } from 'node:fs/promises';
import { connectTo } from 'swm/node';
import { place } from './place.ts';
import { until } from './until.ts';

/** submit.ts SCRIPT: runs a job to its end, and ends as it did. */
const [file = ''] = process.argv.slice(2);
const client = connectTo(place);
const script = await readFile(file, 'utf8');
const { id } = await client.call('job.submit', { script, file, inputs: [] });
console.log(`submitted ${id}`);
const { state, details, exitcode } = await until(client, id, 'ended');
console.log(`it is ${state} with exit code ${exitcode} ${details}`.trimEnd());
process.exitCode = state === 'F' ? exitcode : 1;
client.close();
