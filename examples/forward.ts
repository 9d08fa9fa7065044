import { connectTo } from 'swm/node';
import { localPort } from './local-port.ts';
import { place } from './place.ts';
import { until } from './until.ts';

/** forward.ts ID PORT: leads a port of this machine to one of a job, as long as the job runs. */
const [id = '', port = ''] = process.argv.slice(2);
const client = connectTo(place);
await until(client, id, 'running');
const local = await localPort(client, id, Number(port));
console.log(`127.0.0.1:${local.port} leads to port ${port} of the job`);
await until(client, id, 'ended');
local.server.close();
client.close();
