import type { Readable } from 'node:stream';
import type { Images, Progress } from '../../actors/ports.ts';
import { Failed } from '../../protocol/errors.ts';
import { type Credentials, registryOf } from './credentials.ts';
import { type Engine, engineFailed, engineWords, type FindEngine, statusOf } from './engine.ts';

/** Brings images by the engine, which keeps them; one that is here is not asked for again. */
export function openImages(find: FindEngine, credentials: Credentials): Images {
  return {
    async bring(image, progress, signal) {
      const engine = await find();
      signal.throwIfAborted();
      if (await isHere(engine, image)) return;
      await pull(engine, image, credentials, progress, signal);
    },
  };
}

async function isHere({ docker }: Engine, image: string): Promise<boolean> {
  try {
    await docker.getImage(image).inspect();
    return true;
  } catch (error) {
    if (statusOf(error) === 404) return false;
    throw engineFailed(error, `the container engine does not tell whether it has ${image}`);
  }
}

async function pull(
  { docker }: Engine,
  image: string,
  credentials: Credentials,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const registry = registryOf(image);
  const authconfig = await credentials(registry);
  let stream: Readable;
  try {
    const options = { abortSignal: signal, ...(authconfig && { authconfig }) };
    stream = (await docker.pull(image, options)) as Readable;
  } catch (error) {
    signal.throwIfAborted();
    throw pullFailed(image, registry, error);
  }
  // Without a reader the engine stops as well.
  const abort = () => void stream.destroy();
  signal.addEventListener('abort', abort);
  try {
    await follow(stream, image, progress);
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof Failed ? error : pullFailed(image, registry, error);
  } finally {
    signal.removeEventListener('abort', abort);
  }
  signal.throwIfAborted();
}

/** A line of what the engine tells while it pulls. */
type Line = {
  readonly id?: string;
  readonly status?: string;
  readonly error?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
};

/** Sums up its layers, as far as they have begun: what is told grows at times in all. */
async function follow(stream: Readable, image: string, progress: Progress): Promise<void> {
  const layers = new Map<string, { readonly done: number; readonly total: number }>();
  progress(0, 1);
  let rest = '';
  stream.setEncoding('utf8');
  for await (const part of stream) {
    const lines = (rest + part).split('\n');
    rest = lines.pop() ?? '';
    for (const text of lines.filter((line) => line.trim() !== '')) {
      const { id = '', status = '', error, progressDetail: at } = JSON.parse(text) as Line;
      if (error !== undefined) throw pullFailed(image, registryOf(image), new Error(error));
      if (status !== 'Downloading' || at?.total === undefined) continue;
      layers.set(id, { done: at.current ?? 0, total: at.total });
      const all = [...layers.values()];
      const [done, total] = [sum(all.map((one) => one.done)), sum(all.map((one) => one.total))];
      // All of it is here only once it is unpacked.
      progress(Math.min(done, total - 1), total);
    }
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

/** The registry does not know us. */
const denied = /denied|unauthorized|authentication required|no basic auth/i;
/** Nor would asking again help where it does not know the image. */
const unknown = /not found|manifest unknown|name unknown|invalid reference|no matching manifest/i;

function pullFailed(image: string, registry: string, error: unknown): Failed {
  const words = engineWords(error);
  const isDenied = denied.test(words);
  const mend = isDenied ? `; is ${registry} in the node's containers.credentials?` : '';
  const again = !isDenied && !unknown.test(words);
  return new Failed('no_image', `${image} cannot be pulled: ${words}${mend}`, again);
}
