/** A process of its own that takes a spool, `SPOOL`, says how that went, and stays until killed. */

import { openSpool } from '../../src/platform/spool.ts';
import { Failed } from '../../src/protocol/errors.ts';

try {
  const spool = await openSpool(process.argv[2]!, { roles: ['head', 'worker'] });
  process.stdout.write(`has ${spool.installation}\n`);
  setInterval(() => spool.path, 60_000);
} catch (error) {
  const { code, text } =
    error instanceof Failed ? error.failure : { code: 'bug', text: String(error) };
  process.stdout.write(`${code} ${text}\n`);
}
