import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { limits } from '../protocol/limits.ts';
import type { Cancel } from '../runtime/ports.ts';
import { errno } from './disk.ts';

/**
 * Tells by which tunnels heads are reached: each head that has made one to this machine says in a
 * file of its own at which `host:port` it begins here. They come and go with whoever leads, so they
 * are looked at again and again. `told` hears of them only when they are others than before.
 */
export function watchTunnels(folder: string, told: (addresses: readonly string[]) => void): Cancel {
  let last = '';
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const look = async (): Promise<void> => {
    const addresses = await addressesIn(folder);
    if (isOver) return;
    if (addresses.join() !== last) told(addresses);
    last = addresses.join();
    timer = setTimeout(() => void look(), limits.tunnelsLookMs).unref();
  };
  void look();
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}

/** What cannot be read leads nowhere, and may be there at the next look. */
async function addressesIn(folder: string): Promise<readonly string[]> {
  try {
    const names = (await readdir(folder)).filter((name) => !name.startsWith('.')).toSorted();
    const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
    const addresses = texts.map((text) => text.trim()).filter((text) => /^[^\s:]+:\d+$/.test(text));
    return [...new Set(addresses)];
  } catch (error) {
    if (errno(error) !== '') return [];
    throw error;
  }
}
