import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { startDaemon } from './daemon.ts';
import { type Measures, percentile, run } from './rounds.ts';

/**
 * Durable submits a second over one TLS link, many in flight; beside bare LMDB that durably puts
 * a record of the same size for each, as many in flight. The jobs wait: each asks for a start that
 * no node here has room for, so that only submitting is measured.
 */
const IN_FLIGHT = 64;
const SUBMITS = 5_000;
const RECORD_BYTES = 1_500;

const daemon = await startDaemon();
const place = await mkdtemp(join(tmpdir(), 'swm-bench-'));
const bare = open({ path: place, keyEncoding: 'binary', encoding: 'binary' });
const record = Buffer.alloc(RECORD_BYTES, 1);
let round = 0;

/** Keeps so many going until all are done; gives the rate and how long the slow ones took. */
async function load(one: (i: number) => Promise<unknown>): Promise<Measures> {
  const took: number[] = [];
  let next = 0;
  const from = performance.now();
  const lane = async (): Promise<void> => {
    while (next < SUBMITS) {
      const begun = performance.now();
      await one(next++);
      took.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  const seconds = (performance.now() - from) / 1000;
  return { rate: SUBMITS / seconds, p99: percentile(took, 0.99) };
}

/** The only node is taken whole by the first, and no site may help. */
const cpus = (await daemon.client.call('node.list', {})).nodes[0]?.resources.cpus ?? 1;
const script = '#!/bin/sh\nexit 0\n';

try {
  await daemon.client.call('job.submit', {
    script: `#!/bin/sh\n#SWM cpus ${cpus}\nsleep 600\n`,
    inputs: [],
    key: 'first',
  });
  await run({
    name: 'submits',
    units: { rate: '1/s', p99: 'ms' },
    setup: `${IN_FLIGHT} LMDB puts of ${RECORD_BYTES} bytes in flight, each awaited`,
    ours: {
      name: 'swm',
      run: () => {
        round += 1;
        return load((i) =>
          daemon.client.call('job.submit', { script, inputs: [], key: `${round}/${i}` }),
        );
      },
    },
    beside: {
      name: 'bare LMDB',
      run: () => load((i) => bare.put(Buffer.from(`${round}/${i}`), record)),
    },
  });
} finally {
  await daemon.close();
  await bare.close();
  await rm(place, { recursive: true, force: true });
}
