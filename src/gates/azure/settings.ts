import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import { nearest } from '../../protocol/didyoumean.ts';
import { Malformed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { checkPlace } from '../bootstrap/machine.ts';
import { checkGiven, Name } from '../given.ts';
import { NOTICES } from './notices.ts';
import { checkStorages, StorageGiven } from './storage-settings.ts';
import { checkRange } from './subnet.ts';

const strict = { additionalProperties: false } as const;
const text = (maxLength: number) => Type.String({ minLength: 1, maxLength });
const Uuid = Type.String({ pattern: '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' });
const File = Type.String({ pattern: '^/', maxLength: 1000 });
const Url = Type.String({ pattern: '^https://[^\\s]+$', maxLength: 1000 });
const Notices = Type.String({ pattern: '^http://[^\\s?]+$', maxLength: 1000 });
const Region = Type.String({ pattern: '^[a-z0-9]{1,60}$' });
/** An address, or a range of them. */
const Range = Type.String({ pattern: '^[0-9a-fA-F.:]{2,45}(/\\d{1,3})?$' });

const Auth = Type.Object(
  {
    method: Type.Enum(['clientSecret', 'certificate', 'managedIdentity', 'cli']),
    /** The id of the application, or of a managed identity that is not the machine's own. */
    client: Type.Optional(Uuid),
    /** A file with the secret and nothing else; without one, `AZURE_CLIENT_SECRET` has it. */
    secretFile: Type.Optional(File),
    /** A file with certificate and private key, in PEM. */
    certificateFile: Type.Optional(File),
  },
  strict,
);

/** An image of the marketplace, or one of a gallery by its id. */
const ImageGiven = Type.Object(
  {
    publisher: Type.Optional(text(200)),
    offer: Type.Optional(text(200)),
    sku: Type.Optional(text(200)),
    version: Type.Optional(text(100)),
    id: Type.Optional(Type.String({ pattern: '^/subscriptions/', maxLength: 1000 })),
  },
  strict,
);

const Account = Type.String({ pattern: '^[a-z_][a-z0-9_-]{0,31}$' });
const Ssh = Type.Object(
  {
    /** The account that Azure makes on each machine, for people; it may become root. */
    user: Type.Optional(Account),
    /** Who the head logs in as, where it dials the machines. */
    login: Type.Optional(Account),
    port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
    publicKeyFile: File,
    privateKeyFile: Type.Optional(File),
  },
  strict,
);

const Worker = Type.Object(
  {
    /** Where machines get the worker's archive; without one, their image has it. */
    url: Type.Optional(Url),
    sha256: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })),
    /** Where on its machine it lives. */
    directory: Type.Optional(Type.String({ maxLength: 200 })),
    /** The archive on the head, where the head brings it; without one it makes one itself. */
    archive: Type.Optional(File),
  },
  strict,
);

const Pace = Type.Object(
  {
    /** Between two questions how something that takes long goes. */
    pollMs: Type.Optional(Type.Integer({ minimum: 10, maximum: 60_000 })),
    /** Before a call is made again that Azure could not answer; each time twice as long. */
    retryMs: Type.Optional(Type.Integer({ minimum: 10, maximum: 60_000 })),
    /** How old the news may be that all machines run: each of them is a question of its own. */
    watchMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 600_000 })),
    /** How long Azure may not know yet of what was just made. */
    settleMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 600_000 })),
  },
  strict,
);

const Given = Type.Object({
  subscription: Uuid,
  tenant: Type.Optional(Uuid),
  auth: Auth,
  /** The first one is where flavors are that do not say `@location`. */
  locations: Type.Array(Region, { minItems: 1, maxItems: 64 }),
  images: Type.Record(Name, ImageGiven),
  image: Name,
  /** Sizes that are offered; without them all that the subscription may have. */
  flavors: Type.Optional(Type.Array(Name, { minItems: 1, maxItems: 1000 })),
  clusters: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
  cpus: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
  spot: Type.Optional(Type.Boolean()),
  /** What jobs may ask for by `storage`, by its name. */
  storages: Type.Optional(Type.Record(Type.String(), StorageGiven)),
  /** Where machines hear that they are taken back; '' asks for it nowhere. */
  notices: Type.Optional(Type.Union([Type.Literal(''), Notices])),
  /** Of a machine's system; 0: as large as its image. */
  diskGiB: Type.Optional(Type.Integer({ minimum: 0, maximum: 32_767 })),
  /** Each cluster gets a part of it. */
  network: Type.Optional(Type.String({ maxLength: 40 })),
  publicAddress: Type.Optional(Type.Boolean()),
  /** Whether workers dial the heads, or the head that leads dials their machines. */
  dialIn: Type.Optional(Type.Enum(['out', 'ssh'])),
  headAddresses: Type.Optional(Type.Array(Range, { maxItems: 100 })),
  ssh: Ssh,
  worker: Type.Optional(Worker),
  endpoint: Type.Optional(Url),
  authority: Type.Optional(Url),
  /** '' where there is no price list. */
  priceUrl: Type.Optional(Type.Union([Type.Literal(''), Url])),
  pricesMs: Type.Optional(Type.Integer({ minimum: 60_000, maximum: 30 * 86_400_000 })),
  currency: Type.Optional(Type.String({ pattern: '^[A-Z]{3}$' })),
  /** Prices of an hour that are known better than by the list. */
  prices: Type.Optional(Type.Record(Name, Type.Number({ minimum: 0 }))),
  /** Authorities that are believed instead of the usual ones, in PEM. */
  ca: Type.Optional(File),
  expiresAfterDays: Type.Optional(Type.Integer({ minimum: 1, maximum: 3650 })),
  pace: Type.Optional(Pace),
});
type Given = Static<typeof Given>;

export type ImageReference = Readonly<Static<typeof ImageGiven>>;
export type AuthSettings = Readonly<Static<typeof Auth>> & { readonly tenant: string };

/** What the config says of a site at Azure, with what it leaves out. */
export type AzureSettings = Required<
  Omit<Given, 'tenant' | 'auth' | 'network' | 'flavors' | 'ssh' | 'worker' | 'pace' | 'ca'>
> & {
  readonly auth: AuthSettings;
  readonly network: string;
  /** None: all. */
  readonly flavors: readonly string[];
  readonly ssh: Required<Static<typeof Ssh>>;
  readonly worker: Required<Static<typeof Worker>>;
  readonly pace: Required<Static<typeof Pace>>;
  readonly ca: string | undefined;
};

/** Checks what the config says of a site at Azure; `at` is the path of that place in the config. */
export function readSettings(given: unknown, at: string): AzureSettings {
  refuseUnknown(given ?? {}, at);
  const settings = checkGiven(Given, given ?? {}, at);
  const { tenant = '', auth, ssh, worker = {}, pace = {}, ca, ...rest } = settings;
  checkAuth(settings, at);
  checkImages(settings, at);
  checkStorages(settings.storages ?? {}, `${at}.storages`);
  if (worker.url !== undefined && worker.sha256 === undefined)
    throw new Malformed(`${at}.worker.sha256`, 'is missing: what is fetched must be known');
  if (settings.dialIn === 'ssh' && ssh.privateKeyFile === undefined)
    throw new Malformed(`${at}.ssh.privateKeyFile`, 'is missing: the head logs in by it');
  const isOutside = settings.dialIn === 'ssh' && settings.publicAddress !== false;
  if (isOutside && (settings.headAddresses ?? []).length === 0)
    throw new Malformed(`${at}.headAddresses`, 'is missing: else nobody may reach the machines');
  const directory = checkPlace(worker.directory ?? '/opt/swm', `${at}.worker.directory`);
  return {
    ...withDefaults(rest),
    auth: { ...auth, tenant },
    network: checkRange(settings.network ?? '10.77.0.0/16', `${at}.network`),
    ssh: { user: 'swm', login: 'root', port: 22, privateKeyFile: '', ...ssh },
    worker: { url: '', sha256: '', archive: '', ...worker, directory },
    pace: { pollMs: 2_000, retryMs: 1_000, watchMs: 15_000, settleMs: 30_000, ...pace },
    ca,
  };
}

type Plain = Omit<Given, 'tenant' | 'auth' | 'ssh' | 'worker' | 'pace' | 'ca'>;

const withDefaults = ({ network: _, ...given }: Plain) => ({
  flavors: [],
  clusters: 16,
  cpus: 64,
  spot: false,
  storages: {},
  notices: NOTICES,
  diskGiB: 0,
  publicAddress: true,
  dialIn: 'out' as const,
  headAddresses: [],
  endpoint: 'https://management.azure.com',
  authority: 'https://login.microsoftonline.com',
  priceUrl: 'https://prices.azure.com/api/retail/prices',
  pricesMs: limits.pricesMs,
  currency: 'USD',
  prices: {},
  expiresAfterDays: 30,
  ...given,
});

/** What cannot be understood is not passed over: it may be the key that closes a door. */
function refuseUnknown(given: object, at: string): void {
  const known = [...Object.keys(Given.properties), 'name', 'kind', 'flavor'];
  for (const key of Object.keys(given)) {
    if (known.includes(key)) continue;
    const meant = nearest(key, known);
    const hint = meant === undefined ? `known are ${known.join(', ')}` : `did you mean ${meant}?`;
    throw new Malformed(`${at}.${key}`, `is unknown; ${hint}`);
  }
}

function checkAuth({ auth, tenant }: Given, at: string): void {
  const isApplication = auth.method === 'clientSecret' || auth.method === 'certificate';
  if (!isApplication) return;
  if (tenant === undefined) throw new Malformed(`${at}.tenant`, 'is missing');
  if (auth.client === undefined) throw new Malformed(`${at}.auth.client`, 'is missing');
  if (auth.method === 'certificate' && auth.certificateFile === undefined)
    throw new Malformed(`${at}.auth.certificateFile`, 'is missing');
}

const OfMarketplace = Type.Required(Type.Pick(ImageGiven, ['publisher', 'offer', 'sku']));

function checkImages({ images, image }: Given, at: string): void {
  for (const [name, each] of Object.entries(images)) {
    const { id, version: _, ...named } = each;
    const isWhole = id === undefined ? Value.Check(OfMarketplace, named) : isEmpty(named);
    if (!isWhole)
      throw new Malformed(`${at}.images.${name}`, 'wants publisher, offer and sku, or id');
  }
  if (!Object.hasOwn(images, image)) {
    const known = Object.keys(images).join(', ');
    throw new Malformed(`${at}.image`, `is none of the images: ${known}`);
  }
}

const isEmpty = (value: object): boolean => Object.keys(value).length === 0;
