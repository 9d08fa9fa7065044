import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Credentials } from '../../src/platform/credentials.ts';
import { dialMesh } from '../../src/platform/dial.ts';
import type { Link, Purpose } from '../../src/platform/link.ts';
import { listenMesh } from '../../src/platform/mesh.ts';
import { limits } from '../../src/protocol/limits.ts';
import { type LinkPair, linkSuite, listen } from '../ports/link.suite.ts';
import { layCable } from './cable.ts';
import { makePki } from './pki.ts';
import { sleep, until } from './wait.ts';

const bounds = { beatMs: 300, silenceMsMax: 900 };
let head: Credentials;
let worker: Credentials;

beforeAll(async () => {
  const pki = await makePki();
  head = await pki.node('head', 'h1');
  worker = await pki.node('worker', 'w1');
});

/** A worker's link to a head, through a relay: `near` is the worker's end. */
async function pairOver(purpose: Purpose, nearBounds: object, farBounds: object) {
  let far: Link | undefined;
  const listening = await listenMesh({
    host: '127.0.0.1',
    port: 0,
    credentials: head,
    bounds: farBounds,
    admit: () => undefined,
    onJoin: () => Promise.reject(new Error('nobody joins')),
    onLink: (link) => {
      far = link;
    },
  });
  const cable = await layCable(listening.port);
  const near = await dialMesh({
    address: `127.0.0.1:${cable.port}`,
    credentials: worker,
    expectRole: 'head',
    purpose,
    bounds: nearBounds,
  });
  await until('the head has the link', () => far !== undefined);
  return { near, far: far!, cable, listening };
}

linkSuite('a link over TLS', async (): Promise<LinkPair> => {
  const { near, far, cable, listening } = await pairOver('messages', bounds, bounds);
  return {
    near,
    far,
    until,
    pass: (ms) => sleep(ms).then(() => {}),
    hold: cable.hold,
    release: cable.release,
    cut: cable.cut,
    silenceMsMax: bounds.silenceMsMax,
    outboxBytesMax: limits.outboxBytesMax,
    async end() {
      await cable.close();
      await listening.close();
      expect(listening.connections).toBe(0);
      expect(listening.links.size).toBe(0);
    },
  };
});

describe('the bounds of a link over TLS', () => {
  const ends: (() => Promise<unknown>)[] = [];
  afterAll(async () => {
    for (const end of ends) await end();
  });
  const pair = async (purpose: Purpose, near: object, far: object) => {
    const made = await pairOver(purpose, near, far);
    ends.push(made.cable.close, made.listening.close);
    return made;
  };

  it('are those of its purpose', async () => {
    const messages = await pair('messages', {}, {});
    const bulk = await pair('bulk', {}, {});
    expect(messages.near.frameBytesMax).toBe(limits.frameBytesMax);
    expect(bulk.near.frameBytesMax).toBe(limits.streamFrameBytesMax);
    expect(bulk.far.frameBytesMax).toBe(limits.streamFrameBytesMax);
  });

  it('refuse a frame that the other side may send and this side may not take', async () => {
    const made = await pair('messages', { frameBytesMax: 40 << 20, outboxBytesMax: 80 << 20 }, {});
    const near = listen(made.near);
    const far = listen(made.far);
    expect(made.near.send(Buffer.alloc(20 << 20))).toBe(true);
    await until('both know', () => near.closed.length + far.closed.length === 2);
    expect([near.closed, far.closed]).toEqual([['frame too large'], ['frame too large']]);
    expect(far.frames).toEqual([]);
    await until('nothing is left', () => made.listening.connections === 0);
  });

  it.each([
    { bytes: 100, aTurn: limits.turnBytesMax / 100 },
    { bytes: 40_000, aTurn: 2 },
  ])('let in $aTurn frames of $bytes bytes a turn of the loop, and lose none', async (of) => {
    const made = await pair('messages', {}, {});
    const frames = Math.round(of.aTurn * 100);
    let [heard, turns, ahead] = [0, 0, 0];
    const count = (): void => {
      turns += 1;
      if (heard < frames) setImmediate(count);
    };
    made.far.onFrame((frame) => {
      if (heard === 0) setImmediate(count);
      expect(frame[0]).toBe(heard % 256);
      heard += 1;
      ahead = Math.max(ahead, heard - turns * of.aTurn);
    });
    for (let n = 0; n < frames; n++) made.near.send(Buffer.alloc(of.bytes, n));
    await until('all came', () => heard === frames);
    // What came in one piece with the last of a turn is taken with it, and waited for afterwards.
    const pieceBytes = 64 << 10;
    expect(ahead).toBeLessThanOrEqual(of.aTurn + Math.ceil(pieceBytes / of.bytes));
  });

  it('are not held against a peer when this very process was stopped', async () => {
    const made = await pair('messages', bounds, bounds);
    const near = listen(made.near);
    const far = listen(made.far);
    await sleep(bounds.beatMs);
    const until = performance.now() + bounds.silenceMsMax * 1.5;
    while (performance.now() < until);
    await sleep(bounds.silenceMsMax);
    expect([near.closed, far.closed]).toEqual([[], []]);
  });

  it('give a peer that beats but sends nothing else no end', async () => {
    const made = await pair('messages', { beatMs: 100, silenceMsMax: 60_000 }, bounds);
    const far = listen(made.far);
    listen(made.near);
    await sleep(bounds.silenceMsMax * 1.5);
    expect(far.closed).toEqual([]);
  });
});
