import { hostname } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import { parse } from 'yaml';
import { Containers, engineFlaws } from './config-engine.ts';
import { readConfigFile } from './config-file.ts';
import { accountLive, jobsLive, notifyLive, portsLive } from './protocol/entry-fields.ts';
import { Failed } from './protocol/errors.ts';
import { limits } from './protocol/limits.ts';
import { labels, Resources } from './protocol/model.ts';
import { defaultPolicy, Policy } from './protocol/policy.ts';
import { policyFlaws } from './protocol/policy-flaws.ts';
import { shapeErrors } from './protocol/shape-errors.ts';

const name = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$' });
const host = Type.String({ minLength: 1, maxLength: 255 });
const port = Type.Integer({ minimum: 0, maximum: 65_535 });
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
    /** A folder in which each head that made a way to itself says where it begins. */
    tunnels: Type.String(),
    /** Where the machine hears that its site takes it back, and by which name; '': nowhere. */
    notices: Type.Object(
      { url: Type.String({ pattern: '^(http://[^\\s?]+)?$' }), machine: Type.String() },
      strict,
    ),
    /** What jobs may have of this machine; 0 takes what is there. */
    resources: Resources,
    /** What jobs may ask for that say `constraint`. */
    labels,
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
    /** Where metrics are given without a certificate; port 0: nowhere. */
    metrics: listener,
    jobs: Type.Object(
      {
        /** The account that jobs run as when swm runs as root. */
        user: Type.String(),
        path: Type.String(),
        /** Whether jobs that do not say `relocatable` may go to a site when no node has room. */
        relocate: Type.Enum(['asked', 'when-full']),
        ...jobsLive,
        /** What each of a job's logs may have; a job that writes more is ended. */
        logBytesMax: Type.Integer({ minimum: 1 << 10, maximum: 2 ** 40 }),
      },
      strict,
    ),
    /** What an account's jobs may cost, and who sees and steers them besides their owners. */
    accounts: Type.Record(name, Type.Object(accountLive, strict)),
    inputs: Type.Object(
      {
        /** The local account that reads input files on this head's own disk for a user, by name. */
        accounts: Type.Record(name, Type.String()),
      },
      strict,
    ),
    /** Which job goes first, and where. */
    scheduler: Policy,
    containers: Containers,
    ports: Type.Object(
      {
        pool: Type.String(),
        ...portsLive,
      },
      strict,
    ),
    notify: Type.Object(
      {
        ...notifyLive,
        /** What is told is signed by its content; '' is a file of the spool. */
        keyFile: Type.String(),
      },
      strict,
    ),
    remotes: Type.Array(
      Type.Object({
        name,
        kind: Type.String(),
        flavor: Type.Optional(Type.String()),
        image: Type.Optional(Type.String()),
        /** What the site may be asked for at once. */
        clusters: Type.Optional(Type.Integer({ minimum: 0 })),
        cpus: Type.Optional(Type.Integer({ minimum: 0 })),
        /** How long it lets clusters stay, if not as `jobs.keepMs` says. */
        keepMs: Type.Optional(Type.Integer({ minimum: 0, maximum: limits.keepMsMax })),
        /** The time that it bills at least, ms. */
        billingUnitMs: Type.Optional(Type.Integer({ minimum: 1_000, maximum: 86_400_000 })),
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
  tunnels: '',
  notices: { url: '', machine: '' },
  resources: { cpus: 0, memoryBytes: 0, gpus: 0 },
  labels: [],
  mesh: { host: '0.0.0.0', port: 10_001, advertise: [] },
  terminals: { host: '0.0.0.0', port: 8443 },
  metrics: { host: '127.0.0.1', port: 0 },
  jobs: {
    user: 'nobody',
    path: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    relocate: 'asked',
    walltimeMs: 0,
    leaseMs: limits.leaseMs,
    keepMs: limits.keepMs,
    retentionMs: 7 * DAY_MS,
    logBytesMax: limits.logBytesMax,
  },
  accounts: {},
  inputs: { accounts: {} },
  containers: {
    socket: '',
    engine: '',
    ca: '',
    cert: '',
    key: '',
    credentials: '',
    network: 'own',
  },
  scheduler: defaultPolicy,
  ports: { pool: '127.77.0.0/16', out: ['submitter'] },
  notify: { allow: [], keyFile: '' },
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

export type ReadConfig = Config & {
  /** Says of a key such as `remotes.azure.cpus` where it was given. */
  readonly locate: (key: string) => string;
  /** Whether somebody gave it: else it is as it is by default. */
  readonly isGiven: (key: string) => boolean;
};

/** Reads the configuration: defaults < file < `SWM_*` < flags. Throws `Failed`, with the place. */
export async function readConfig(sources: ConfigSources): Promise<ReadConfig> {
  const file = await readConfigFile(sources.file ?? sources.spoolFile, sources.file !== undefined);
  let config: unknown = defaults();
  if (sources.dev) config = merge(config, embedded);
  config = merge(config, file.values);
  const given = [...fromEnv(sources.env), ...fromFlags(sources.flags)];
  for (const { key, value } of given) config = put(config, key.split('.'), value);
  const locate = (key: string): string => {
    const last = given.findLast((one) => isWithin(key, one.key) || isWithin(one.key, key));
    return last?.from ?? file.locate(key.split('.'));
  };
  const isGiven = (key: string): boolean =>
    given.some((one) => isWithin(one.key, key)) || pick(file.values, key) !== undefined;
  const checked = check(config, locate);
  const { join: token } = checked;
  const isPlaced = token === '' || isAbsolute(token);
  const from = isPlaced ? token : join(dirname(file.path), token);
  return { ...checked, join: from, locate, isGiven };
}

const isWithin = (key: string, above: string): boolean =>
  key === above || key.startsWith(`${above}.`);

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Values over others, key by key. */
export const merge = (under: unknown, over: unknown): unknown => {
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

/** A value that stands outside of the file, and where. */
type Given = { readonly key: string; readonly value: unknown; readonly from: string };

/** `SWM_MESH_PORT=0` is `mesh.port: 0`; only keys that there are, since jobs have SWM_* too. */
const fromEnv = (env: ConfigSources['env']): readonly Given[] =>
  leaves(defaults()).flatMap((key) => {
    const from = `SWM_${key.replaceAll('.', '_').toUpperCase()}`;
    const text = env[from];
    return text === undefined || key === 'cluster'
      ? []
      : [{ key, value: parsed(text, from), from }];
  });

const fromFlags = (flags: ConfigSources['flags']): readonly Given[] =>
  Object.entries(flags).map(([key, text]) => {
    const from = `--set ${key}`;
    return { key, value: parsed(text, from), from };
  });

function parsed(text: string, from: string): unknown {
  try {
    return parse(text, { prettyErrors: false });
  } catch (error) {
    throw new Failed('malformed', `${from}: ${(error as Error).message}`);
  }
}

const leaves = (value: object, prefix = ''): string[] =>
  Object.entries(value).flatMap(([key, inner]) =>
    isPlain(inner) ? leaves(inner, `${prefix}${key}.`) : [`${prefix}${key}`],
  );

const pick = (values: unknown, key: string): unknown =>
  key.split('.').reduce((at, part) => (isPlain(at) ? at[part] : undefined), values);

/** What no shape sees. */
const flawsOf = ({ containers, scheduler }: Config) => [
  ...engineFlaws(containers),
  ...policyFlaws(scheduler).map(({ key, text }) => ({ key: ['scheduler', ...key], text })),
];

function check(config: unknown, locate: ReadConfig['locate']): Config {
  const isWell = Value.Check(Config, config);
  const flaws = isWell ? flawsOf(config) : shapeErrors(Config, config, defaults());
  if (isWell && flaws.length === 0) return config;
  const errors = flaws.map(({ key, text }) => {
    const name = key.join('.');
    return `${locate(name)}: ${name}: ${text}`;
  });
  throw new Failed('malformed', errors.join('\n'));
}
