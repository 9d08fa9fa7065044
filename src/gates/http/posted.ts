import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import { diskFailed, errno, writeFileDurably } from '../../platform/disk.ts';

/** An order that was sent, or is about to be. */
const Posted = Type.Object({
  at: Type.Integer(),
  /** Until then what was ordered may be there, or come to be, and not be seen yet. */
  until: Type.Integer(),
  /** Its machines, in the site's order. */
  nodes: Type.Array(Type.String()),
  /** Graphics processors of each. */
  gpus: Type.Integer(),
  /** '' until it is known. */
  externalId: Type.String(),
});
export type Posted = Static<typeof Posted>;

/**
 * Orders that this head has sent, a file each, written before they are: an order whose answer was
 * lost, with its head or with the link, is looked for and not sent again, and until it is seen or
 * too old, nobody is told that there is no such partition.
 */
export class PostedOrders {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  #path(name: string): string {
    return join(this.#folder, `${encodeURIComponent(name)}.json`);
  }

  async prepare(): Promise<void> {
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      for (const file of await readdir(this.#folder))
        if (file.endsWith('.new')) await rm(join(this.#folder, file), { force: true });
    } catch (error) {
      throw diskFailed(error, this.#folder, 'Opening the site in');
    }
  }

  async read(name: string): Promise<Posted | undefined> {
    try {
      const kept: unknown = JSON.parse(await readFile(this.#path(name), 'utf8'));
      return Value.Check(Posted, kept) ? kept : undefined;
    } catch (error) {
      if (errno(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
      throw diskFailed(error, this.#path(name), 'Reading');
    }
  }

  write(name: string, posted: Posted): Promise<void> {
    return writeFileDurably(this.#path(name), JSON.stringify(posted));
  }

  async forget(name: string): Promise<void> {
    await rm(this.#path(name), { force: true });
  }
}
