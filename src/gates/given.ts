import Type, { type Static, type TObject } from 'typebox';
import { Value } from 'typebox/value';
import { nearest } from '../protocol/didyoumean.ts';
import { Malformed } from '../protocol/errors.ts';
import { isFlaw } from '../protocol/jobscript/flaw.ts';
import { parseBytes } from '../protocol/jobscript/quantities.ts';

/** The name of a flavor, an image, or the like. */
export const Name = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$' });

/** As `bytesOf` reads it. */
export const Bytes = Type.Union([Type.String({ maxLength: 40 }), Type.Integer({ minimum: 0 })]);

/** Checks what the config says of a site; `at` is that place in it. Throws `Malformed`. */
export function checkGiven<S extends TObject>(shape: S, given: unknown, at: string): Static<S> {
  if (!Value.Check(shape, given)) {
    const error = Value.Errors(shape, given)[0];
    const path = (error?.instancePath ?? '').replaceAll('/', '.');
    throw new Malformed(`${at}${path}`, error?.message ?? 'does not fit');
  }
  refuseSlips(shape, given as object, at);
  return given as Static<S>;
}

/** What every kind of site may have in the config besides. */
const ofAllKinds = ['kind', 'name', 'flavor', 'image', 'clusters', 'cpus'];

/** A key that is near to one of ours was meant as ours; other keys are somebody else's. */
function refuseSlips(shape: TObject, settings: object, at: string): void {
  const known = Object.keys(shape.properties);
  for (const key of Object.keys(settings)) {
    if (known.includes(key) || ofAllKinds.includes(key)) continue;
    const meant = nearest(key, known);
    if (meant !== undefined) throw new Malformed(`${at}.${key}`, `is unknown; as in ${meant}?`);
  }
}

/** Bytes in words, such as `2GiB`. Throws `Malformed`. */
export function bytesOf(given: string | number, at: string): number {
  const bytes = typeof given === 'number' ? given : parseBytes(given);
  if (isFlaw(bytes)) throw new Malformed(at, bytes.flaw);
  return bytes;
}
