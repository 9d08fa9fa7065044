import { Malformed } from '../../protocol/errors.ts';

/**
 * The value of one field of a multipart/form-data body. Programs choose boundaries of any length,
 * for which the parsers that there are have bounds at both ends; and what they send is small enough
 * to be held whole. Throws `Malformed`.
 */
export function formField(body: Buffer, contentType: string, field: string): Buffer {
  const delimiter = Buffer.from(`--${boundaryOf(contentType)}`, 'latin1');
  const found: Buffer[] = [];
  let at = beginOf(body, delimiter);
  for (;;) {
    if (body.subarray(at, at + 2).equals(DASHES)) break;
    const head = body.indexOf(BREAK, at);
    if (head < 0 || body.subarray(at, head).toString('latin1').trim() !== '') throw ends();
    // A part without any header has the empty line at once.
    const empty = body.indexOf(EMPTY, head);
    const end = body.indexOf(Buffer.concat([BREAK, delimiter]), head);
    if (empty < 0 || end < 0 || empty > end) throw ends();
    const headers = body.subarray(head, empty).toString('utf8');
    if (nameOf(headers) === field) found.push(body.subarray(empty + EMPTY.length, end));
    at = end + BREAK.length + delimiter.length;
  }
  const [value] = found;
  if (value === undefined || found.length > 1)
    throw new Malformed('$', `one part \`${field}\` in the form, not ${found.length}`);
  return value;
}

const BREAK = Buffer.from('\r\n');
const EMPTY = Buffer.from('\r\n\r\n');
const DASHES = Buffer.from('--');

const ends = (): Malformed => new Malformed('$', 'a form that ends as its boundary says');

function boundaryOf(contentType: string): string {
  const [, quoted, bare] = /;\s*boundary=(?:"([^"]+)"|([^\s;"]+))/i.exec(contentType) ?? [];
  const boundary = quoted ?? bare;
  if (boundary === undefined) throw new Malformed('content-type', 'a boundary');
  return boundary;
}

/** Past the first delimiter, which stands at the very beginning or after a line. */
function beginOf(body: Buffer, delimiter: Buffer): number {
  if (body.subarray(0, delimiter.length).equals(delimiter)) return delimiter.length;
  const at = body.indexOf(Buffer.concat([BREAK, delimiter]));
  if (at < 0) throw new Malformed('$', 'a form that begins with its boundary');
  return at + BREAK.length + delimiter.length;
}

function nameOf(headers: string): string | undefined {
  const line = /^content-disposition:\s*form-data\b(.*)$/im.exec(headers)?.[1] ?? '';
  const [, quoted, bare] = /;\s*name=(?:"([^"]*)"|([^\s;"]+))/i.exec(line) ?? [];
  return quoted ?? bare;
}
