import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

/** What it does wrong from now on. */
export type Fault =
  | 'none'
  /** It cuts every connection, or those for layers in their middle. */
  | 'cut'
  | 'cut layers'
  /** It is not well, as it says. */
  | 'ill';

/**
 * A registry that speaks what engines pull by (the distribution API), on a loopback address, where
 * they take it without TLS. It has one image.
 */
export type Registry = {
  readonly host: string;
  /** The image's whole name. */
  readonly image: string;
  /** Only ann may pull. */
  isClosed: boolean;
  fault: Fault;
  /** Sends half of each layer, and the rest when this is fulfilled. */
  half: Promise<void>;
  /** What it was asked for. */
  readonly asked: string[];
  end(): Promise<void>;
};

export const ANN = { username: 'ann', password: 'se:cret' };

const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';

const digestOf = (bytes: Buffer): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** The least that is an image: a configuration, and layers of the given tars. */
function imageOf(tars: readonly Buffer[]) {
  const layers = tars.map((tar) => gzipSync(tar, { level: 1 }));
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      config: {},
      rootfs: { type: 'layers', diff_ids: tars.map(digestOf) },
    }),
  );
  const told = (bytes: Buffer, kind: string) => ({
    mediaType: `application/vnd.docker.${kind}`,
    size: bytes.length,
    digest: digestOf(bytes),
  });
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: told(config, 'container.image.v1+json'),
      layers: layers.map((layer) => told(layer, 'image.rootfs.diff.tar.gzip')),
    }),
  );
  return { manifest, blobs: new Map([config, ...layers].map((b) => [digestOf(b), b])), layers };
}

export async function startRegistry(tars: readonly Buffer[]): Promise<Registry> {
  const image = imageOf(tars);
  const server = createServer((request, response) => {
    void answer(registry, image, request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const registry: Registry = {
    host,
    image: `${host}/tests/image:1`,
    isClosed: false,
    fault: 'none',
    half: Promise.resolve(),
    asked: [],
    end: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return registry;
}

async function answer(
  registry: Registry,
  image: ReturnType<typeof imageOf>,
  { url = '', headers, method }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  registry.asked.push(url);
  const refuse = (status: number, code: string): void => {
    if (status === 401) response.setHeader('www-authenticate', 'Basic realm="tests"');
    const body = JSON.stringify({ errors: [{ code, message: code.toLowerCase() }] });
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  };
  const send = (bytes: Buffer, type: string): void => {
    const about = { 'content-type': type, 'content-length': bytes.length };
    response.writeHead(200, { ...about, 'docker-content-digest': digestOf(bytes) });
    response.end(method === 'HEAD' ? undefined : bytes);
  };
  if (registry.fault === 'cut') return void response.destroy();
  if (registry.fault === 'ill') return refuse(503, 'UNAVAILABLE');
  const [, , , name, kind, reference = ''] = url.split('/');
  const { username, password } = ANN;
  const who = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  if (registry.isClosed && headers.authorization !== who) return refuse(401, 'UNAUTHORIZED');
  // Engines first ask at its root how one says who one is.
  if (name === undefined) return send(Buffer.from('{}'), 'application/json');
  if (kind === 'manifests')
    return reference === '1' || reference === digestOf(image.manifest)
      ? send(image.manifest, MANIFEST)
      : refuse(404, 'MANIFEST_UNKNOWN');
  const blob = image.blobs.get(reference);
  if (blob === undefined) return refuse(404, 'BLOB_UNKNOWN');
  if (!image.layers.includes(blob)) return send(blob, 'application/octet-stream');
  response.writeHead(200, { 'content-length': blob.length });
  const middle = Math.floor(blob.length / 2);
  response.write(blob.subarray(0, middle));
  await registry.half;
  if (registry.fault === 'cut layers') response.destroy();
  else response.end(blob.subarray(middle));
}
