import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import { parse, YAMLParseError } from 'yaml';
import { nearest } from './protocol/didyoumean.ts';
import { Failed } from './protocol/errors.ts';
import { Resources } from './protocol/model.ts';

const name = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$' });
const host = Type.String({ minLength: 1, maxLength: 255 });
const port = Type.Integer({ minimum: 0, maximum: 65_535 });
const duration = Type.Integer({ minimum: 0 });
const strict = { additionalProperties: false } as const;
const listener = Type.Object({ host, port }, strict);

/** The whole of a node's configuration, as `swm.yaml` has it. Every key has a default. */
const Config = Type.Object(
  {
    /** The node's name in the mesh and in its certificate. */
    name,
    roles: Type.Array(Type.Enum(['head', 'worker']), { minItems: 1, maxItems: 2 }),
    /** The cluster that a worker was made for; '' for nodes that are simply there. */
    cluster: Type.String({ maxLength: 100 }),
    /** The address on which jobs of this node are reached. */
    address: host,
    /** The file with the token that a worker joins by. */
    join: Type.String(),
    /** What jobs may have of this machine; 0 takes what is there. */
    resources: Resources,
    mesh: Type.Object(
      {
        host,
        port,
        /** Addresses that others dial, where they are not the listener's own. */
        advertise: Type.Array(host),
      },
      strict,
    ),
    terminals: listener,
    jobs: Type.Object(
      {
        /** The account that jobs run as when swm runs as root. */
        user: Type.String(),
        path: Type.String(),
        /** Whether jobs that do not say `relocatable` may go to a site when no node has room. */
        relocate: Type.Enum(['asked', 'when-full']),
        /** Walltime of jobs that ask for none, ms; 0: none. */
        walltimeMs: duration,
        /** How long ended jobs are kept, ms. */
        retentionMs: duration,
      },
      strict,
    ),
    ports: Type.Object({ pool: Type.String() }, strict),
    remotes: Type.Array(
      Type.Object({
        name,
        kind: Type.String(),
        flavor: Type.Optional(Type.String()),
        image: Type.Optional(Type.String()),
        /** What the site may be asked for at once. */
        clusters: Type.Optional(Type.Integer({ minimum: 0 })),
        cpus: Type.Optional(Type.Integer({ minimum: 0 })),
      }),
    ),
    log: Type.Object({ level: Type.Enum(['debug', 'info', 'warn', 'error']) }, strict),
  },
  strict,
);
export type Config = Static<typeof Config>;

const DAY_MS = 86_400_000;

const defaults = (): Config => ({
  name: hostname().replaceAll(/[^A-Za-z0-9._-]/g, '-') || 'head',
  roles: ['head', 'worker'],
  cluster: '',
  address: '127.0.0.1',
  join: '',
  resources: { cpus: 0, memoryBytes: 0, gpus: 0 },
  mesh: { host: '0.0.0.0', port: 10_001, advertise: [] },
  terminals: { host: '0.0.0.0', port: 8443 },
  jobs: {
    user: 'nobody',
    path: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    relocate: 'asked',
    walltimeMs: 0,
    retentionMs: 7 * DAY_MS,
  },
  ports: { pool: '127.77.0.0/16' },
  remotes: [],
  log: { level: 'info' },
});

/** What `swm dev` has besides: all on this machine, on free ports, and a site to play with. */
const embedded = {
  mesh: { host: '127.0.0.1', port: 0 },
  terminals: { host: '127.0.0.1', port: 0 },
  jobs: { relocate: 'when-full' },
  remotes: [{ name: 'local', kind: 'local', flavor: 'small', image: 'host' }],
};

export type ConfigSources = {
  readonly dev: boolean;
  /** A file that must be there; otherwise the spool's own, if it is there. */
  readonly file: string | undefined;
  readonly spoolFile: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Keys such as `mesh.port`, which win over all else. */
  readonly flags: Readonly<Record<string, string>>;
};

/** Reads the configuration: defaults < file < `SWM_*` < flags. Throws `Failed` naming the key. */
export async function readConfig(sources: ConfigSources): Promise<Config> {
  const file = sources.file ?? sources.spoolFile;
  const given = await readYaml(file, sources.file !== undefined);
  let config: unknown = defaults();
  if (sources.dev) config = merge(config, embedded);
  config = merge(config, given);
  for (const [key, value] of Object.entries(fromEnv(sources.env)))
    config = put(config, key.split('.'), value);
  for (const [key, value] of Object.entries(sources.flags))
    config = put(config, key.split('.'), parse(value));
  const checked = check(config, file);
  const { join: token } = checked;
  return token === '' || isAbsolute(token)
    ? checked
    : { ...checked, join: join(dirname(file), token) };
}

async function readYaml(file: string, required: boolean): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (!required && (error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new Failed('malformed', `${file} cannot be read: ${(error as Error).message}`);
  }
  try {
    const value: unknown = parse(text);
    if (value === null || value === undefined) {
      if (text.trim() === '' && text !== '') return {};
      throw new Failed('malformed', `${file} is empty: write at least {} or remove it`);
    }
    if (typeof value !== 'object' || Array.isArray(value))
      throw new Failed('malformed', `${file}: wanted keys and values, as in \`name: head-1\``);
    return value;
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    const [at] = error.linePos ?? [];
    throw new Failed('malformed', `${file}:${at?.line ?? 1}:${at?.col ?? 1}: ${error.message}`);
  }
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const merge = (under: unknown, over: unknown): unknown => {
  if (!isPlain(under) || !isPlain(over)) return over;
  const merged = { ...under };
  for (const [key, value] of Object.entries(over)) merged[key] = merge(under[key], value);
  return merged;
};

const put = (config: unknown, [key, ...rest]: readonly string[], value: unknown): unknown => {
  if (key === undefined) return value;
  const under = isPlain(config) ? config : {};
  return { ...under, [key]: put(under[key], rest, value) };
};

/** `SWM_MESH_PORT=0` is `mesh.port: 0`; only keys that there are, since jobs have SWM_* too. */
function fromEnv(env: ConfigSources['env']): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const key of leaves(defaults())) {
    const value = env[`SWM_${key.replaceAll('.', '_').toUpperCase()}`];
    if (value !== undefined && key !== 'cluster') found[key] = parse(value);
  }
  return found;
}

const leaves = (value: object, prefix = ''): string[] =>
  Object.entries(value).flatMap(([key, inner]) =>
    isPlain(inner) ? leaves(inner, `${prefix}${key}.`) : [`${prefix}${key}`],
  );

function check(config: unknown, file: string): Config {
  if (Value.Check(Config, config)) return config;
  const [error] = Value.Errors(Config, config);
  const at = (error?.instancePath ?? '').slice(1).replaceAll('/', '.');
  const extra = (error?.params as { additionalProperties?: string[] })?.additionalProperties?.[0];
  if (extra !== undefined) {
    const known = Object.keys((at === '' ? defaults() : pick(defaults(), at)) ?? {});
    const meant = nearest(extra, known);
    const hint = meant === undefined ? `known are ${known.join(', ')}` : `as in ${meant}?`;
    const where = at === '' ? extra : `${at}.${extra}`;
    throw new Failed('malformed', `${file}: ${where}: is unknown; ${hint}`);
  }
  throw new Failed('malformed', `${file}: ${at || 'config'}: ${error?.message ?? 'does not fit'}`);
}

const pick = (value: unknown, path: string): object | undefined =>
  path.split('.').reduce<unknown>((at, key) => (isPlain(at) ? at[key] : undefined), value) as
    | object
    | undefined;
