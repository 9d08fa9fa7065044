import type { Readable } from 'node:stream';
import type { Images, Progress } from '../../actors/ports.ts';
import { Failed } from '../../protocol/errors.ts';
import { type Credentials, credentialsOf, registryOf } from './credentials.ts';
import { type Engine, engineFailed, engineWords, type FindEngine, statusOf } from './engine.ts';

/** Brings images by the engine, which keeps them; one that is here is not asked for again. */
export function openImages(find: FindEngine, credentials: Credentials): Images {
  return {
    async bring(image, progress, signal, login) {
      const engine = await find();
      signal.throwIfAborted();
      if (await isHere(engine, image)) return;
      const as = login
        ? { credentials: credentialsOf(login), whose: `the secret ${login.name} of the job` }
        : { credentials, whose: "the node's containers.credentials" };
      await pull(engine, image, as, progress, signal);
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

/** Who swm is while it pulls, and where that stands. */
type As = { readonly credentials: Credentials; readonly whose: string };

async function pull(
  { docker }: Engine,
  image: string,
  as: As,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const registry = registryOf(image);
  const authconfig = await as.credentials(registry);
  let stream: Readable;
  try {
    const options = { abortSignal: signal, ...(authconfig && { authconfig }) };
    stream = (await docker.pull(image, options)) as Readable;
  } catch (error) {
    signal.throwIfAborted();
    throw pullFailed(image, as, error);
  }
  // Without a reader the engine stops as well.
  const abort = () => void stream.destroy();
  signal.addEventListener('abort', abort);
  try {
    await follow(stream, image, as, progress);
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof Failed ? error : pullFailed(image, as, error);
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

type Layer = { readonly done: number; readonly total: number };

/** Sums up its layers, as far as they have begun: what is told grows at times in all. */
async function follow(stream: Readable, image: string, as: As, progress: Progress): Promise<void> {
  const layers = new Map<string, Layer>();
  progress(0, 1);
  let rest = '';
  stream.setEncoding('utf8');
  for await (const part of stream) {
    const lines = (rest + part).split('\n');
    rest = lines.pop() ?? '';
    for (const text of lines.filter((line) => line.trim() !== '')) {
      const line = JSON.parse(text) as Line;
      if (line.error !== undefined) throw pullFailed(image, as, new Error(line.error));
      const layer = layerOf(line, layers.get(line.id ?? ''));
      if (layer) layers.set(line.id ?? '', layer);
    }
    const [done, total] = [sum(layers, 'done'), sum(layers, 'total')];
    // All of it is here only once it is unpacked.
    if (total > 0) progress(Math.min(done, total - 1), total);
  }
}

/** What a line tells of a layer's bytes, if it does. */
function layerOf({ status, progressDetail }: Line, known: Layer | undefined): Layer | undefined {
  const { current = 0, total } = progressDetail ?? {};
  if (status === 'Downloading' && total !== undefined) return { done: current, total };
  return status === 'Download complete' && known ? { ...known, done: known.total } : undefined;
}

const sum = (layers: ReadonlyMap<string, Layer>, of: keyof Layer): number =>
  [...layers.values()].reduce((all, layer) => all + layer[of], 0);

/** The registry does not know us. */
const denied = /denied|unauthorized|authentication required|no basic auth/i;
/** Nor would asking again help where it does not know the image. */
const unknown = /not found|manifest unknown|name unknown|invalid reference|no matching manifest/i;

function pullFailed(image: string, { whose }: As, error: unknown): Failed {
  const words = engineWords(error);
  const isDenied = denied.test(words);
  const mend = isDenied ? `; is ${registryOf(image)} in ${whose}?` : '';
  const again = !isDenied && !unknown.test(words);
  return new Failed('no_image', `${image} cannot be pulled: ${words}${mend}`, again);
}
