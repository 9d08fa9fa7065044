import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import Type from 'typebox';
import { Value } from 'typebox/value';
import { diskFailed, errno, writeFileDurably } from '../../platform/disk.ts';
import type { HostKey } from '../../platform/ssh/host-key.ts';
import type { HostKeys } from '../../platform/ssh/session.ts';
import { Failed } from '../../protocol/errors.ts';
import { parsed } from '../json.ts';
import { turns } from '../turns.ts';

const Kept = Type.Record(
  Type.String(),
  Type.Object({ fingerprint: Type.String(), type: Type.String() }),
);

/** The keys that hosts showed when they were met, in a file of the head. */
export class KnownHosts {
  readonly #path: string;
  readonly #inTurn = turns();

  constructor(path: string) {
    this.#path = path;
  }

  /** The key that the host of a name must show: a given one, else the one that it showed first. */
  of(name: string, given: HostKey | undefined): HostKeys {
    if (given !== undefined) return { known: async () => given, learn: async () => {} };
    return {
      known: async () => (await this.#read())[name],
      learn: (key) => this.#inTurn('', () => this.#keep(name, key)),
    };
  }

  /** Forgets the hosts whose names begin so: there are no such hosts any more. */
  forget(begin: string): Promise<void> {
    return this.#inTurn('', async () => {
      const all = Object.entries(await this.#read());
      const left = all.filter(([name]) => !name.startsWith(begin));
      if (left.length < all.length) await this.#write(Object.fromEntries(left));
    });
  }

  async #keep(name: string, key: HostKey): Promise<void> {
    const all = await this.#read();
    // Two sessions may meet a host at once, and it must not be another one for the second.
    if (all[name] !== undefined && all[name].fingerprint !== key.fingerprint)
      throw new Failed('refused', `${name} has just shown another key`);
    await this.#write({ ...all, [name]: key });
  }

  async #write(all: Readonly<Record<string, HostKey>>): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o711 });
    await writeFileDurably(this.#path, `${JSON.stringify(all, null, 2)}\n`);
  }

  async #read(): Promise<Readonly<Record<string, HostKey>>> {
    let text: string;
    try {
      text = await readFile(this.#path, 'utf8');
    } catch (error) {
      if (errno(error) === 'ENOENT') return {};
      throw diskFailed(error, this.#path, 'Reading known hosts');
    }
    const kept = parsed(text);
    if (Value.Check(Kept, kept)) return kept;
    throw new Failed('corrupt', `${this.#path} is damaged: remove it, and hosts are met anew`);
  }
}
