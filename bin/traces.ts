import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { openScreen } from '../src/cli/screen.ts';
import { run } from '../src/cli/simulate.ts';
import { shippedTraces } from './shipped-traces.ts';

/** Makes the traces of examples/ anew, and the picture of a week under three policies for docs/. */

const root = join(import.meta.dirname, '..');
const traces = join(root, 'examples/traces');
for (const [name, text] of Object.entries(shippedTraces()))
  if (name.endsWith('.gz')) writeFileSync(join(traces, name), gzipSync(text, { level: 9 }));
  else writeFileSync(join(traces, name), text);

const policy = ['fcfs', 'easy', 'fair'].map((name) => join(root, `examples/policies/${name}.yaml`));
const svg = join(root, 'docs/simulated-week.svg');
process.exitCode = await run({
  args: [join(traces, 'week-64.swf.gz')],
  behind: undefined,
  options: { policy, svg },
  screen: openScreen(false),
  client: () => Promise.reject(new Error('nobody is asked')),
});
