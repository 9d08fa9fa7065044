import Type, { type Static } from 'typebox';
import { type HostKey, readHostKey } from '../../platform/ssh/host-key.ts';
import { Malformed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { checkPlace } from '../bootstrap/machine.ts';
import { checkGiven } from '../given.ts';

/** The clouds that a gate service speaks for; they differ in the units of their flavors. */
export type Provider = 'azure' | 'openstack';

export type HttpSettings = {
  readonly server: string;
  readonly port: number;
  readonly provider: Provider;
  readonly location: string;
  /** What the service takes `count` for: the nodes besides the main one, or all of them. */
  readonly count: 'extra' | 'all';
  /** By which of its addresses the main node is reached. The others have a private one only. */
  readonly addresses: 'public' | 'private';
  /** Absolute path of the key and the certificate for the cloud, in PEM. */
  readonly credential: string;
  /** Absolute path of the authorities that the service is believed by; '' is the cluster's own. */
  readonly authority: string;
  /** The account on the machines; '' is the owner of the job. */
  readonly username: string;
  /** For jobs that name no image; '' is the first that the service lists. */
  readonly image: string;
  readonly containerImage: string;
  /** Ports that the cloud lets through to the machines. */
  readonly ports: readonly number[];
  readonly runtime: Readonly<Record<string, string>>;
  /** The most that all clusters may have together. */
  readonly cpus: number;
  /** How long the service may take to create a partition. */
  readonly createMs: number;
  /** How its machines are logged in to, which makes them nodes. */
  readonly ssh: {
    readonly user: string;
    readonly port: number;
    /** The file of a private key. */
    readonly key: string;
    /** What all machines show, as their image has it; else each is believed when it is met. */
    readonly hostKey: HostKey | undefined;
    readonly directory: string;
    /** The file of the worker archive; '' finds or makes one. */
    readonly archive: string;
  };
};

const Text = Type.String({ maxLength: limits.wordCharsMax });
const Path = Type.String({ pattern: '^/', maxLength: 1000 });

const SshGiven = Type.Object(
  {
    key: Path,
    user: Type.Optional(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9._-]{0,63}$' })),
    port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
    hostKey: Type.Optional(Type.String({ maxLength: 4_096 })),
    directory: Type.Optional(Path),
    archive: Type.Optional(Path),
  },
  { additionalProperties: false },
);

const Given = Type.Object({
  server: Type.String({ pattern: '^[A-Za-z0-9._:-]{1,255}$' }),
  port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
  provider: Type.Enum(['azure', 'openstack']),
  location: Type.Optional(Text),
  count: Type.Optional(Type.Enum(['extra', 'all'])),
  addresses: Type.Optional(Type.Enum(['public', 'private'])),
  credential: Path,
  authority: Type.Optional(Path),
  username: Type.Optional(Text),
  image: Type.Optional(Text),
  containerImage: Type.Optional(Text),
  ports: Type.Optional(
    Type.Array(Type.Integer({ minimum: 1, maximum: 65_535 }), { minItems: 1, maxItems: 64 }),
  ),
  runtime: Type.Optional(
    Type.Record(Type.String({ pattern: '^[a-z][a-z0-9_]{0,63}$' }), Type.String()),
  ),
  cpus: Type.Optional(Type.Integer({ minimum: 0 })),
  ssh: SshGiven,
  createMs: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.createMsMax })),
});

/** Checks what the config says of a gate service; `at` is the path of that place in the config. */
export function readSettings(given: unknown, at: string): HttpSettings {
  const settings: Static<typeof Given> = checkGiven(Given, given ?? {}, at);
  const { provider, location = '', runtime = {} } = settings;
  if (provider === 'azure' && location === '')
    throw new Malformed(`${at}.location`, 'is needed: a cloud of this kind lists by location');
  for (const [key, value] of Object.entries(runtime))
    if (/[,=]/.test(value)) throw new Malformed(`${at}.runtime.${key}`, 'without , and =');
  return {
    server: settings.server,
    port: settings.port ?? 8444,
    provider,
    location,
    count: settings.count ?? 'all',
    addresses: settings.addresses ?? 'public',
    credential: settings.credential,
    authority: settings.authority ?? '',
    username: settings.username ?? '',
    image: settings.image ?? '',
    containerImage: settings.containerImage ?? '',
    ports: settings.ports ?? [22],
    runtime: { swm_source: 'ssh', ...runtime },
    cpus: settings.cpus ?? 64,
    createMs: settings.createMs ?? limits.createMsMax,
    ssh: sshOf(settings.ssh, `${at}.ssh`),
  };
}

function sshOf(given: Static<typeof SshGiven>, at: string): HttpSettings['ssh'] {
  const { user = 'root', port = 22, key, hostKey, directory = '/opt/swm', archive = '' } = given;
  return {
    user,
    port,
    key,
    hostKey: hostKey === undefined ? undefined : readHostKey(hostKey, `${at}.hostKey`),
    directory: checkPlace(directory, `${at}.directory`),
    archive,
  };
}
