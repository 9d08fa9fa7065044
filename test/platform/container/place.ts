import type { AttemptKey, ProcessOrder } from '../../../src/actors/ports.ts';
import {
  type LocalContainers,
  openContainers,
} from '../../../src/platform/container/containers.ts';
import { engineFinder, type FindEngine } from '../../../src/platform/container/engine.ts';
import type { ProcessesOptions } from '../../../src/platform/process/processes.ts';
import { RealPlace } from '../process-place.ts';
import { IMAGE, type RealEngine } from './real-engine.ts';

export type ContainerPlaceOptions = Partial<ProcessesOptions> & {
  readonly find?: FindEngine;
  readonly image?: string;
  readonly network?: 'own' | 'node';
};

/** The same machine, whose jobs run in containers. */
export class ContainerPlace extends RealPlace {
  readonly #engine: RealEngine;
  readonly image: string;
  #local: LocalContainers | undefined;

  constructor(engine: RealEngine, options: ContainerPlaceOptions = {}) {
    const { find, image, network = 'own', ...rest } = options;
    super(() => {
      this.#local = openContainers({
        directory: this.records,
        find: find ?? engineFinder(engine.socket),
        installation: this.root,
        mark: this.mark,
        spool: rest.spool ?? '',
        network,
        note: (_level, _path, text) => void this.notes.push(text),
      });
      return { ...rest, containers: this.#local };
    });
    this.#engine = engine;
    this.image = image ?? IMAGE;
  }

  override script(key: AttemptKey, text: string, mode?: number): ProcessOrder {
    return { ...super.script(key, text, mode), env: {}, image: this.image };
  }

  /** Where the ports of an attempt are reached; undefined: not apart from the machine's. */
  addressOf(key: AttemptKey): string | undefined {
    return this.#local?.addressOf(key);
  }

  /** Names of the containers that there are of this place, running or not. */
  async containers(): Promise<readonly string[]> {
    const filters = { label: [`swm.installation=${this.root}`] };
    const all = await this.#engine.docker.listContainers({ all: true, filters });
    return all.flatMap(({ Names }) => Names);
  }

  /** What ran on when the test was over goes with its container. */
  override async clear(): Promise<void> {
    const filters = { label: [`swm.installation=${this.root}`] };
    for (const { Id } of await this.#engine.docker.listContainers({ all: true, filters }))
      await this.#engine.docker
        .getContainer(Id)
        .remove({ force: true, v: true })
        .catch(() => {});
    await super.clear();
    const left = await this.containers();
    if (left.length > 0) throw new Error(`containers are left: ${left.join(', ')}`);
  }
}
