import { rm } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { type Config, readConfig } from './config.ts';
import { compose, type Running } from './node/compose.ts';
import { openLog } from './platform/log.ts';
import { openSpool, placesOf, type Spool } from './platform/spool.ts';
import { Failed, Malformed } from './protocol/errors.ts';

export type NodeOptions = {
  readonly spool: string;
  readonly configFile?: string | undefined;
  /** With everything on this machine: free ports, and a site to play with. */
  readonly dev: boolean;
  /** At the end: cancels all jobs, removes all clusters, and then the spool. */
  readonly ephemeral: boolean;
  /** Keys of the configuration, such as `mesh.port`, with their values as YAML. */
  readonly flags: Readonly<Record<string, string>>;
};

const GOOD = 0;
const FAULT = 1;
const CANNOT = 2;

/**
 * Runs a node until it is told to end, or has to: 0 after a clean end, 2 if it cannot run here, 1
 * if it had to give up. What went wrong is said on stderr.
 */
export async function runNode(options: NodeOptions): Promise<number> {
  let spool: Spool | undefined;
  try {
    const config = await readConfig({
      dev: options.dev,
      file: options.configFile,
      spoolFile: placesOf(options.spool).config,
      env: process.env,
      flags: options.flags,
    });
    spool = await openSpool(options.spool, { roles: config.roles });
    return await live(spool, config, options);
  } catch (error) {
    process.stderr.write(`swm: ${explain(error)}\n`);
    return CANNOT;
  } finally {
    spool?.close();
  }
}

/** What was expected is told in its own words; a bug with the place it happened at. */
const explain = (error: unknown): string => {
  if (error instanceof Failed || error instanceof Malformed) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
};

async function live(spool: Spool, config: Config, options: NodeOptions): Promise<number> {
  const log = openLog({
    node: config.name,
    level: config.log.level,
    file: joinPath(spool.places.log, 'swm.log'),
    screen: process.stderr,
  });
  const ending = Promise.withResolvers<number>();
  let running: Running | undefined;
  const enough = new AbortController();
  let isTold = false;
  // Told twice, it waits for nobody.
  const told = (): void => {
    if (isTold) enough.abort();
    isTold = true;
    ending.resolve(GOOD);
  };
  process.on('SIGTERM', told);
  process.on('SIGINT', told);
  process.on('uncaughtException', (error) => {
    log.note('error', '/', `a bug nobody caught: ${explain(error)}`);
    ending.resolve(FAULT);
  });
  const giveUp = (why: string): void => {
    log.note('error', '/', why);
    ending.resolve(FAULT);
  };
  let isCleared = false;
  try {
    running = await compose({ spool, config, note: log.note, giveUp });
    process.stdout.write(`ready ${spool.path} ${running.url}\n`);
    const code = await ending.promise;
    if (!options.ephemeral) return code;
    const left = await running.clear(enough.signal);
    isCleared = left === '';
    if (!isCleared) log.note('error', '/', `${left}; so is the spool ${spool.path}`);
    return isCleared ? code : FAULT;
  } finally {
    await running?.close();
    if (isCleared) await rm(spool.path, { recursive: true, force: true });
    process.off('SIGTERM', told);
    process.off('SIGINT', told);
    await log.close();
  }
}
