import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import { errno, writeFileDurably } from '../../platform/disk.ts';
import type { Millis } from '../../runtime/ports.ts';
import type { Prices } from './price-list.ts';

/** The copy of the price list on disk; docs/azure.md tells of its format. */
const Copy = Type.Object({
  version: Type.Literal(1),
  currency: Type.String(),
  locations: Type.Record(
    Type.String(),
    Type.Object({
      /** When it was read from the list. */
      at: Type.String(),
      prices: Type.Record(
        Type.String(),
        Type.Object({ plain: Type.Optional(Type.Number()), spot: Type.Optional(Type.Number()) }),
      ),
    }),
  ),
});
type Copy = Static<typeof Copy>;

export type PriceShelf = {
  readonly path: string;
  readonly currency: string;
  readonly goodMs: Millis;
  readonly now: () => Millis;
  readonly fetch: (location: string, signal: AbortSignal) => Promise<Prices>;
};

/**
 * The prices of a location, from a copy that is young enough, else from the list; and from an old
 * copy when the list cannot be read. Throws only where there is no copy either.
 */
export async function pricesOf(
  shelf: PriceShelf,
  location: string,
  signal: AbortSignal,
): Promise<Prices> {
  const { path, currency, goodMs, now } = shelf;
  const copy = await readCopy(path, currency);
  const kept = copy.locations[location];
  if (kept !== undefined && Math.abs(now() - Date.parse(kept.at)) < goodMs) return kept.prices;
  let prices: Prices;
  try {
    prices = await shelf.fetch(location, signal);
  } catch (error) {
    if (kept === undefined) throw error;
    return kept.prices;
  }
  const fresh = { at: new Date(now()).toISOString(), prices };
  const locations = { ...copy.locations, [location]: fresh };
  await mkdir(dirname(path), { recursive: true, mode: 0o711 });
  await writeFileDurably(path, `${JSON.stringify({ version: 1, currency, locations })}\n`);
  return prices;
}

/** A copy in another currency, or one that is damaged, is as good as none. */
async function readCopy(path: string, currency: string): Promise<Copy> {
  const none: Copy = { version: 1, currency, locations: {} };
  try {
    const copy: unknown = JSON.parse(await readFile(path, 'utf8'));
    return Value.Check(Copy, copy) && copy.currency === currency ? copy : none;
  } catch (error) {
    if (error instanceof SyntaxError || errno(error) === 'ENOENT') return none;
    throw error;
  }
}
