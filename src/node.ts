import { rm } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { type Config, type ReadConfig, readConfig } from './config.ts';
import { compose, type Running } from './node/compose.ts';
import { enrolledName, invitedName } from './node/enrol.ts';
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
  // Modes are as the code says, whatever the shell that started us prefers.
  process.umask(0o022);
  const ending = listenToSignals();
  let config: ReadConfig | undefined;
  try {
    config = await readConfig({
      dev: options.dev,
      file: options.configFile,
      spoolFile: placesOf(options.spool).config,
      env: process.env,
      flags: options.flags,
    });
    spool = await openSpool(options.spool, { roles: config.roles });
    return await live(spool, await named(spool, config), options, ending);
  } catch (error) {
    process.stderr.write(`swm: ${located(error, config)}\n`);
    return CANNOT;
  } finally {
    spool?.close();
    ending.forget();
  }
}

type Ending = {
  readonly code: Promise<number>;
  end(code: number): void;
  /** Aborted when told twice: then it waits for nobody. */
  readonly enough: AbortSignal;
  forget(): void;
};

/** From the very first on, so that a node told to end while it starts ends well, too. */
function listenToSignals(): Ending {
  const { promise, resolve } = Promise.withResolvers<number>();
  const enough = new AbortController();
  let isTold = false;
  const told = (): void => {
    if (isTold) enough.abort();
    isTold = true;
    resolve(GOOD);
  };
  process.on('SIGTERM', told);
  process.on('SIGINT', told);
  const forget = (): void => {
    process.off('SIGTERM', told);
    process.off('SIGINT', told);
  };
  return { code: promise, end: resolve, enough: enough.signal, forget };
}

/** A node is who it was, whatever its host is called now: its records and jobs bear its name. */
async function named(spool: Spool, config: ReadConfig): Promise<Config> {
  const name = (await enrolledName(spool)) ?? (await invitedName(config)) ?? config.name;
  if (name !== config.name && config.isGiven('name'))
    throw new Failed(
      'refused',
      `${config.locate('name')}: name: the node of ${spool.path} is ${name}, and keeps its name; ` +
        'give that one or none, or begin with a new spool',
    );
  return { ...config, name };
}

/** What is wrong with a site is found when it is opened, by whoever knows its kind. */
function located(error: unknown, config: ReadConfig | undefined): string {
  const key = error instanceof Malformed ? /^\$\.(remotes\..*)/.exec(error.at)?.[1] : undefined;
  if (key === undefined || config === undefined) return explain(error);
  return `${config.locate(key)}: ${explain(error).replace(/^\$\./, '')}`;
}

/** What was expected is told in its own words; a bug with the place it happened at. */
const explain = (error: unknown): string => {
  if (error instanceof Failed || error instanceof Malformed) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
};

async function live(
  spool: Spool,
  config: Config,
  options: NodeOptions,
  ending: Ending,
): Promise<number> {
  const log = openLog({
    node: config.name,
    level: config.log.level,
    file: joinPath(spool.places.log, 'swm.log'),
    screen: process.stderr,
  });
  const giveUp = (why: string): void => {
    log.note('error', '/', why);
    ending.end(FAULT);
  };
  process.on('uncaughtException', (error) => giveUp(`a bug nobody caught: ${explain(error)}`));
  let running: Running | undefined;
  let isCleared = false;
  try {
    running = await compose({ spool, config, note: log.note, level: log.level, giveUp });
    process.stdout.write(`ready ${spool.path} ${running.url}\n`);
    const code = await ending.code;
    if (!options.ephemeral) return code;
    const left = await running.clear(ending.enough);
    isCleared = left === '';
    if (!isCleared) log.note('error', '/', `${left}; so is the spool ${spool.path}`);
    return isCleared ? code : FAULT;
  } finally {
    await running?.close();
    if (isCleared) await rm(spool.path, { recursive: true, force: true });
    await log.close();
  }
}
