import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import { errno, syncDirectory, writeFileDurably } from '../../platform/disk.ts';
import { Failed } from '../../protocol/errors.ts';
import { parsed } from '../json.ts';
import { isPartitionName } from '../names.ts';

/**
 * What this site knows of one partition. It is on the disk before anything else of the partition
 * is, and goes last, so that nothing can be here that no claim tells of.
 */
const Claim = Type.Object({
  version: Type.Literal(1),
  name: Type.String(),
  /** Unlike the name never used again. */
  externalId: Type.String(),
  job: Type.String(),
  owner: Type.String(),
  installation: Type.String(),
  flavor: Type.String(),
  image: Type.String(),
  /** Of each machine. */
  resources: Type.Object({
    cpus: Type.Integer(),
    memoryBytes: Type.Integer(),
    gpus: Type.Integer(),
  }),
  machines: Type.Array(Type.Object({ node: Type.String(), address: Type.String() })),
  createdAt: Type.Integer(),
  /** When the machines have booted, or have failed to. */
  readyAt: Type.Integer(),
  /** Why they will fail to; '' if they will not. */
  doom: Type.String(),
  /** When its machines are asked back, and when they are taken; not at all unless given. */
  evictAt: Type.Optional(Type.Integer()),
  takenAt: Type.Optional(Type.Integer()),
  /** Whether that may happen to it. */
  isSpot: Type.Optional(Type.Boolean()),
});
export type Claim = Static<typeof Claim>;

const CLAIM = '.claim.json';
const REMOVING = '.removing';

/** The claims of a site, a folder each; names that begin with a dot are half made or half gone. */
export class Claims {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  folderOf(name: string): string {
    if (!isPartitionName(name)) throw new Error(`${name} is no folder of a partition`);
    return join(this.#folder, name);
  }

  /**
   * Makes the site's folder, and clears what was cut short. Others may pass through the folders but
   * not look around: jobs have theirs below, and run as somebody else.
   */
  async prepare(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o711 });
    for (const entry of await readdir(this.#folder))
      if (entry.startsWith('.'))
        await rm(join(this.#folder, entry), { recursive: true, force: true });
  }

  async read(name: string): Promise<Claim | undefined> {
    const path = join(this.folderOf(name), CLAIM);
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if (errno(error) === 'ENOENT') return undefined;
      throw error;
    }
    const claim = parsed(text);
    if (Value.Check(Claim, claim) && claim.name === name) return claim;
    throw new Failed('site_error', `${path} is damaged; end its machines and remove its folder`);
  }

  async all(): Promise<readonly Claim[]> {
    const names = (await readdir(this.#folder)).filter(isPartitionName);
    const claims = await Promise.all(names.map((name) => this.read(name)));
    return claims.filter((claim) => claim !== undefined);
  }

  /** Makes the claim's folder with the claim in it: all of it or nothing, once. */
  async make(claim: Claim): Promise<void> {
    const beside = join(this.#folder, `.new-${randomBytes(8).toString('hex')}`);
    await mkdir(beside, { mode: 0o711 });
    try {
      await writeFileDurably(join(beside, CLAIM), `${JSON.stringify(claim, null, 2)}\n`);
      await rename(beside, this.folderOf(claim.name));
      await syncDirectory(this.#folder);
    } catch (error) {
      await rm(beside, { recursive: true, force: true });
      throw error;
    }
  }

  /** From here on it can only go. */
  async condemn(name: string): Promise<void> {
    await writeFileDurably(join(this.folderOf(name), REMOVING), '');
  }

  async isCondemned(name: string): Promise<boolean> {
    try {
      await (await open(join(this.folderOf(name), REMOVING), 'r')).close();
      return true;
    } catch (error) {
      if (errno(error) === 'ENOENT') return false;
      throw error;
    }
  }

  /** Takes the claim away when nothing else is left in its folder; at once for whoever looks. */
  async drop(name: string): Promise<void> {
    const beside = join(this.#folder, `.gone-${randomBytes(8).toString('hex')}`);
    await rename(this.folderOf(name), beside);
    await syncDirectory(this.#folder);
    await rm(beside, { recursive: true, force: true });
  }
}
