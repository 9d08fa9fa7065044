import { limits } from '../protocol/limits.ts';

/** What stands where a secret was. */
const HIDDEN = '[redacted]';

const secretWord =
  /^(keys?|pem|pfx|.*(token|secret|password|passwd|passphrase|credential|authorization|cookie)s?)$/;
const secretCompound = /^(api|private|access|shared|session|host)keys?$/;

/** Secrets that are known by their looks, wherever they stand in a text. */
const looks: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z0-9 ]{1,40}-----[\s\S]*?(?:-----END [A-Z0-9 ]{1,40}-----|$)/g, '[PEM]'],
  [/\b(bearer|basic)\s+[\w.~+/=-]{6,}/gi, `$1 ${HIDDEN}`],
  [/(:\/\/[^\s/:@]{1,200}:)[^\s/@]{1,500}@/g, `$1${HIDDEN}@`],
  [/\b(token|password|passphrase|secret|sig|api_?key)=[^\s&"']+/gi, `$1=${HIDDEN}`],
];

/** A text without secrets, and not longer than `limits.noteCharsMax`. */
export function redactText(text: string): string {
  let clean = text.slice(0, 4 * limits.noteCharsMax);
  for (const [look, instead] of looks) clean = clean.replace(look, instead);
  if (clean.length <= limits.noteCharsMax) return clean;
  return `${clean.slice(0, limits.noteCharsMax)}… (${text.length} characters)`;
}

/**
 * A copy that can be written down: without secrets, by the names of fields and by the looks of
 * texts; without cycles, bytes and functions; and within the limits of a note.
 */
export function redact(value: unknown, depth = 0): unknown {
  switch (typeof value) {
    case 'string':
      return redactText(value);
    case 'bigint':
      return value.toString();
    case 'function':
    case 'symbol':
      return `<${typeof value}>`;
    case 'object':
      return value === null ? null : redactObject(value, depth);
    default:
      return value;
  }
}

function redactObject(value: object, depth: number): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer)
    return `<${value.byteLength} bytes>`;
  if (depth >= limits.noteDepthMax) return '…';
  if (Array.isArray(value)) return redactItems(value, depth);
  if (value instanceof Set) return redactItems([...value], depth);
  if (value instanceof Error) return redactFields(fieldsOf(value), depth);
  if (value instanceof Map)
    return redactFields(
      [...value].map(([key, item]) => [String(key), item]),
      depth,
    );
  return redactFields(Object.entries(value), depth);
}

function redactItems(items: readonly unknown[], depth: number): unknown[] {
  const clean = items.slice(0, limits.noteItemsMax).map((item) => redact(item, depth + 1));
  const left = items.length - clean.length;
  return left > 0 ? [...clean, `… ${left} more`] : clean;
}

function redactFields(entries: readonly (readonly [string, unknown])[], depth: number): object {
  const clean: [string, unknown][] = [];
  for (const [name, item] of entries.slice(0, limits.noteItemsMax)) {
    const hidden = item !== null && item !== undefined && isSecret(name);
    clean.push([redactText(name), hidden ? HIDDEN : redact(item, depth + 1)]);
  }
  const left = entries.length - clean.length;
  if (left > 0) clean.push(['…', `${left} more`]);
  return Object.fromEntries(clean);
}

/** The useful fields of an error are not enumerable. */
function fieldsOf(error: Error): [string, unknown][] {
  const { name, message, stack, cause } = error;
  const fields: [string, unknown][] = [
    ['name', name],
    ['message', message],
    ...Object.entries(error).filter(([field]) => !['name', 'message', 'cause'].includes(field)),
    ['stack', stack],
  ];
  return cause === undefined ? fields : [...fields, ['cause', cause]];
}

/** Whether a word of the name, in any usual spelling, speaks of a secret. */
function isSecret(name: string): boolean {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  return words.some((word) => secretWord.test(word) || secretCompound.test(word));
}
