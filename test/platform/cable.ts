import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP relay on a port of its own that can hold, cut and count what goes through it. */
export type Cable = {
  readonly port: number;
  /** `near` is the side that dials. Nothing that it sends goes on, nor its closing. */
  hold(end: 'near' | 'far'): void;
  release(end: 'near' | 'far'): void;
  /** Resets all that goes through it. */
  cut(): void;
  close(): Promise<void>;
};

type Pair = { readonly near: Socket; readonly far: Socket };

export async function layCable(port: number): Promise<Cable> {
  const held = { near: false, far: false };
  const pairs = new Set<Pair>();
  const relay = (pair: Pair, from: 'near' | 'far', to: 'near' | 'far') => {
    const source = pair[from];
    const sink = pair[to];
    source.setNoDelay(true);
    if (held[from]) source.pause();
    source.on('data', (bytes) => {
      if (!sink.write(bytes)) source.pause();
    });
    sink.on('drain', () => {
      if (!held[from]) source.resume();
    });
    source.on('end', () => {
      if (!held[from]) sink.end();
    });
    source.on('error', () => {
      if (!held[from]) sink.resetAndDestroy();
    });
    source.on('close', () => {
      if (sink.destroyed) pairs.delete(pair);
    });
  };
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const pair = { near, far };
    pairs.add(pair);
    relay(pair, 'near', 'far');
    relay(pair, 'far', 'near');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    for (const { near, far } of pairs) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
  };
  return {
    port: (server.address() as AddressInfo).port,
    hold(end) {
      held[end] = true;
      for (const pair of pairs) pair[end].pause();
    },
    release(end) {
      held[end] = false;
      for (const pair of pairs) pair[end].resume();
    },
    cut,
    close() {
      cut();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
