import { systemClock } from '../../src/platform/clock.ts';
import type { UserIdentity } from '../../src/platform/identity.ts';
import type { Link } from '../../src/platform/link.ts';
import { type MemoryLinks, memoryLinks } from '../ports/memory-link.ts';

export const user: UserIdentity = {
  kind: 'user',
  id: '0123abcd-0123-4abc-8abc-0123456789ab',
  name: 'ada',
};
const head = { kind: 'node', role: 'head', name: 'head-1', installation: 'here' } as const;

/** A network of memory links between a client and whoever serves its far ends. */
export type Pipe = {
  /** What a client opens sockets with. */
  readonly open: () => Promise<Link>;
  /** All links that were opened, the newest last. */
  readonly links: MemoryLinks[];
  /** While set, opening fails so. */
  refuse: Error | undefined;
  cut(): void;
};

/** `silenceMsMax`: after how long a link itself notices that nothing comes. */
export function pipe(serve: (link: Link) => void, silenceMsMax?: number): Pipe {
  const bounds = silenceMsMax === undefined ? {} : { silenceMsMax };
  const made: Pipe = {
    links: [],
    refuse: undefined,
    async open() {
      if (made.refuse !== undefined) throw made.refuse;
      const links = memoryLinks({ clock: systemClock(), near: user, far: head, bounds });
      made.links.push(links);
      serve(links.far);
      return links.near;
    },
    cut: () => made.links.at(-1)?.cut(),
  };
  return made;
}

/** Waits until something holds, or fails with what it was waiting for. */
export async function until(holds: () => boolean, what: string, ms = 5_000): Promise<void> {
  const late = Date.now() + ms;
  while (!holds()) {
    if (Date.now() > late) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
