import { type Code, Failed } from '../../protocol/errors.ts';

/** What is known of an error of the SDK: some say it in fields, some in their text alone. */
type Told = { readonly code: string; readonly text: string; readonly status: number };

const full = new Set([
  'AllocationFailed',
  'OverconstrainedAllocationRequest',
  'OverconstrainedZonalAllocationRequest',
  'SkuNotAvailable',
  'SpotVMNotAvailable',
  'ZonalAllocationFailed',
]);
const going = new Set(['ResourceGroupBeingDeleted', 'ResourceGroupDeprovisioning']);

/** Whether the site says that there is no such thing. */
export const isMissing = (error: unknown): boolean =>
  isObject(error) && 'statusCode' in error && error.statusCode === 404;

/** Whether the site says that the group is not there, while it may just not be seen yet. */
export const isUnseen = (error: unknown): boolean =>
  isMissing(error) && told(error).code === 'ResourceGroupNotFound';

/**
 * What the site, or the way to it, refused, in its own words. What is no word of theirs is a bug
 * and is thrown on.
 */
export function failed(error: unknown, doing: string): Failed {
  if (error instanceof Failed) return error;
  if (error instanceof TypeError || error instanceof ReferenceError) throw error;
  const { code, text, status } = told(error);
  const what = code === '' || text.includes(code) ? text : `${code}: ${text}`;
  const named = codeOf(code, text, status);
  const retry = named === 'refused' ? false : undefined;
  return new Failed(named, `${doing}: ${what}`, retry);
}

function codeOf(code: string, text: string, status: number): Code {
  if (full.has(code)) return 'capacity';
  if (code === 'QuotaExceeded') return 'quota';
  if (code === 'OperationNotAllowed' && /quota|limit|cores/i.test(text)) return 'quota';
  if (going.has(code)) return 'releasing';
  if (status === 429) return 'busy';
  if (status === 0) return 'unreachable';
  return isFinal(status) ? 'refused' : 'site_error';
}

/** What is wrong with the request, or with who asks, is so too when it is asked again. */
const isFinal = (status: number): boolean =>
  status >= 400 && status < 500 && ![404, 408, 409, 412].includes(status);

function told(error: unknown): Told {
  if (!isObject(error)) return { code: '', text: String(error), status: 0 };
  const { name, message } = error as { name?: unknown; message?: unknown };
  const text = typeof message === 'string' ? message : String(error);
  if (typeof name === 'string' && identityErrors.has(name)) return ofIdentity(text);
  const { code, statusCode, request } = error as Record<string, unknown>;
  const ofOperation = /^The long-running operation has failed\. (\w+)\. ([\s\S]*)$/.exec(text);
  if (ofOperation !== null) return { code: ofOperation[1]!, text: ofOperation[2]!, status: 409 };
  return {
    code: typeof code === 'string' ? code : '',
    text: (isObject(request) ? words.get(request) : undefined) ?? text,
    status: typeof statusCode === 'number' ? statusCode : isOurs(error) ? 500 : 0,
  };
}

/** An operation of Azure that failed and does not say why is no failure of the way there. */
const isOurs = (error: object): boolean => (error as { name?: unknown }).name === 'Error';

/** Who asks is refused for good; an authority that cannot be asked is asked again. */
function ofIdentity(text: string): Told {
  const first = text.split(/\r?\n/, 1)[0] ?? '';
  const described = /Description: (.*?)(?: - Correlation ID| Trace ID|$)/.exec(first)?.[1];
  const isRefused = /AADSTS\d|invalid_client|unauthorized_client|invalid_grant|az login/i.test(
    first,
  );
  const status = isRefused && !/transient/i.test(first) ? 401 : 0;
  return { code: '', text: described ?? first, status };
}

const identityErrors = new Set([
  'AuthenticationError',
  'AuthenticationRequiredError',
  'CredentialUnavailableError',
]);

/** What Azure says of a request that it refused, in full: the SDK drops some of it. */
const words = new WeakMap<object, string>();

/** Keeps what Azure says of a request that it refused, for whoever hears of the error. */
export function hearOut(request: object, body: string | null | undefined): void {
  const { message, details = [] } = errorIn(body ?? '');
  const texts = [{ message }, ...details].flatMap((each) => each?.message ?? []);
  if (texts.length > 0) words.set(request, texts.join(' '));
}

type Said = { readonly message?: string; readonly details?: readonly { message?: string }[] };

function errorIn(body: string): Said {
  try {
    return (JSON.parse(body) as { error?: Said }).error ?? {};
  } catch {
    return {};
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
