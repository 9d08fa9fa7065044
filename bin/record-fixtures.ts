import { record } from '../test/recorded/record.ts';

/**
 * Before a release: writes what this swm writes, on the wire and on disk, into test/fixtures, as a
 * new version that every later swm is tested to read. Says where it is.
 */
process.stdout.write(`${await record()}\n`);
