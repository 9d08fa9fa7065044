import Type, { type Static, type TSchema } from 'typebox';
import { Value } from 'typebox/value';
import type { Flavor, Image, Partition } from '../../actors/ports.ts';
import { redactText } from '../../platform/redact.ts';
import { type Code, Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Provider } from './settings.ts';

/** What a gate service says, as it says it, and what it means to us. */

const Text = Type.String();
const OrNull = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]));

const PartitionSaid = Type.Object({
  id: Type.String({ minLength: 1 }),
  name: Text,
  master_public_ip: OrNull(Text),
  master_private_ip: OrNull(Text),
  compute_instances_ips: OrNull(Type.Array(Type.Union([Text, Type.Null()]))),
  status: OrNull(Text),
  created: OrNull(Text),
  description: OrNull(Text),
});
export type PartitionSaid = Static<typeof PartitionSaid>;

const FlavorsSaid = Type.Object({
  flavors: Type.Array(
    Type.Object({
      name: Text,
      cpus: Type.Integer({ minimum: 0 }),
      gpus: OrNull(Type.Integer({ minimum: 0 })),
      mem: Type.Number({ minimum: 0 }),
      storage: OrNull(Type.Number({ minimum: 0 })),
      price: OrNull(Type.Number({ minimum: 0 })),
    }),
  ),
});

const ImagesSaid = Type.Object({ images: Type.Array(Type.Object({ name: Text })) });

function read<T extends TSchema>(shape: T, body: unknown, what: string): Static<T> {
  if (Value.Check(shape, body)) return body;
  const { instancePath = '', message = '' } = Value.Errors(shape, body)[0] ?? {};
  const at = instancePath.replaceAll('/', '.');
  throw new Failed('site_error', `the gate service answered with no ${what}: $${at} ${message}`);
}

export const readPartition = (body: unknown): PartitionSaid =>
  read(PartitionSaid, body, 'partition');

export const readMade = (body: unknown): PartitionSaid =>
  read(Type.Object({ partition: PartitionSaid }), body, 'partition').partition;

export const readPartitions = (body: unknown): readonly PartitionSaid[] =>
  read(Type.Object({ partitions: Type.Array(PartitionSaid) }), body, 'partitions').partitions;

/** Sizes of the one cloud are in megabytes (of 2^20 bytes), those of the other in bytes. */
export function readFlavors(body: unknown, provider: Provider): readonly Flavor[] {
  const unit = provider === 'azure' ? 1 << 20 : 1;
  return read(FlavorsSaid, body, 'flavors').flavors.map((said) => ({
    name: said.name,
    resources: {
      cpus: said.cpus,
      memoryBytes: Math.floor(said.mem * unit),
      gpus: said.gpus ?? 0,
    },
    storageBytes: Math.floor((said.storage ?? 0) * unit),
    price: said.price ?? 0,
  }));
}

/** Several versions of an image may be listed under one name. */
export function readImages(body: unknown): readonly Image[] {
  const names = read(ImagesSaid, body, 'images').images.map(({ name }) => name);
  return [...new Set(names)].map((name) => ({ name, kind: 'cloud' }));
}

const SUFFIX = '-resource-group';

/** A partition may be called by what its cloud keeps it in. */
export const nameOf = ({ name }: PartitionSaid): string =>
  name.endsWith(SUFFIX) ? name.slice(0, -SUFFIX.length) : name;

/** Undefined: it is not there any more, and only still spoken of. */
export function statusOf({ status }: PartitionSaid): Partition['status'] | undefined {
  const said = status?.toLowerCase() ?? '';
  switch (said) {
    case 'creating':
    case 'updating':
    case 'succeeded':
    case 'failed':
    case 'deleting':
      return said;
    case 'deleted':
      return undefined;
    // Nothing of it has come so far that it has a status.
    case '':
      return 'creating';
    // What the service itself cannot tell is neither good nor bad: it is looked at again.
    default:
      return 'updating';
  }
}

/** When it was created, or undefined. Instants without a zone are of UTC. */
export function createdAtOf({ created }: PartitionSaid): number | undefined {
  const hasZone = /(Z|[+-]\d\d:?\d\d)$/i.test(created ?? '');
  const at = Date.parse(hasZone ? created! : `${created ?? ''}Z`);
  return Number.isNaN(at) ? undefined : at;
}

/** What it says went wrong in an answer that is otherwise good; '' if nothing did. */
export function errorIn(body: unknown): string {
  const error = (body as { readonly error?: unknown } | null)?.error;
  return error === undefined || error === null ? '' : proseOf(error) || 'it does not say what';
}

/** Details are text or, of a request that does not fit, a list; what was sent is not repeated. */
export function detailIn(body: unknown): string {
  const detail = (body as { readonly detail?: unknown } | null)?.detail;
  if (!Array.isArray(detail)) return proseOf(detail);
  return proseOf(
    detail.map((each: { readonly loc?: unknown; readonly msg?: unknown } | null) =>
      [Array.isArray(each?.loc) ? each.loc.join('.') : '', String(each?.msg ?? '')]
        .filter((part) => part !== '')
        .join(': '),
    ),
  );
}

/** Text or lines as one text. Of a traceback only what was thrown is of use to its reader. */
export function proseOf(said: unknown): string {
  const text = Array.isArray(said) ? said.map(String).join('\n') : String(said ?? '');
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const isTrace = lines[0]?.startsWith('Traceback') === true;
  const last = isTrace ? lines.findLastIndex((line) => /^\s/.test(line)) : -1;
  const prose = lines.slice(last + 1).map((line) => line.trim());
  return redactText(prose.join(' ')).slice(0, limits.whyCharsMax);
}

const looks: readonly (readonly [RegExp, Code])[] = [
  [
    /AllocationFailed|capacity|SkuNotAvailable|NotAvailableForSubscription|no valid host/i,
    'capacity',
  ],
  [/quota|OperationNotAllowed|limit\w* exceeded|exceeds? the limit/i, 'quota'],
  [/too ?many ?requests|throttl/i, 'busy'],
];

/** The site's own words as a failure: some of them say that it is full, not broken. */
export function failureOf(text: string, code: Code = 'site_error'): Failed {
  const known = looks.find(([look]) => look.test(text))?.[1];
  return new Failed(known ?? code, text);
}
