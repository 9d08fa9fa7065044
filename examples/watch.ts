import { connectTo } from 'swm/node';
import { place } from './place.ts';

/** watch.ts: tells of all your jobs, and then of each change, until it is interrupted. */
type Row = { readonly name: string; readonly phase: string; readonly details: string };

const client = connectTo(place, {
  onState: (up, why) => console.error(up ? 'connected' : `not connected: ${why}`),
});
process.once('SIGINT', () => process.exit());
for await (const { key, row } of client.watch('jobs')) {
  if (key === '') console.log('that is all there is now');
  else if (row === null) console.log(`${key} is no more`);
  else {
    const { name, phase, details } = row as Row;
    console.log(`${key} ${name} ${phase} ${details}`.trimEnd());
  }
}
