import { createHash } from 'node:crypto';

/**
 * A UUIDv8 of the text's SHA-256: the same on any head, and after any restart. So the same owner
 * and key find the same job, and a flavor is known by the same id for ever.
 */
export function derivedUuid(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
