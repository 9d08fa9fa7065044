/**
 * A process of its own that commits to a store as fast as it can and prints what was acknowledged:
 * `DIRECTORY VALUE_BYTES [hold MS]`. With `hold` it takes LMDB's write lock instead, for so long.
 */
import { openStore } from '../../src/platform/store.ts';
import { openEnvironment } from '../../src/platform/store-files.ts';

const WRITERS = 8;
const [directory = '', bytes = '100', hold, ms = '0'] = process.argv.slice(2);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

if (hold === 'hold') {
  openEnvironment(directory).root.transactionSync(() => {
    say('holding');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(ms));
    return 'held';
  });
} else {
  const store = await openStore(directory, {
    onBroken: ({ code, text }) => {
      say(`broken ${code} ${text}`);
      void store.close().then(() => say('closed'));
    },
  });
  say('open');
  const value = Buffer.alloc(Number(bytes), 'x');
  let next = 0;
  const write = (): void => {
    const batch = next++;
    const changes = ['a', 'b'].map((part) => ({ key: `${batch}/${part}`, value }));
    store.commit(changes, (outcome) => {
      say(`${outcome} ${batch}`);
      if (outcome === 'committed') write();
    });
  };
  for (let writer = 0; writer < WRITERS; writer++) write();
}
