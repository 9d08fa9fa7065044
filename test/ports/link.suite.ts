import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Link } from '../../src/platform/link.ts';
import { Malformed } from '../../src/protocol/errors.ts';

/** A pair of ends with a network between them that can be made to misbehave. */
export type LinkPair = {
  readonly near: Link;
  readonly far: Link;
  /** Lets things happen until it is so; throws if it is not in the end. */
  until(what: string, isSo: () => boolean): Promise<void>;
  /** Lets so many milliseconds of the link's time pass. */
  pass(ms: number): Promise<void>;
  /** Nothing of what this end sends arrives until it is released. */
  hold(end: 'near' | 'far'): void;
  release(end: 'near' | 'far'): void;
  /** A reset that both see. */
  cut(): void;
  readonly silenceMsMax: number;
  readonly outboxBytesMax: number;
  end(): Promise<void>;
};

/** Keeps what an end hears. */
export const listen = (link: Link) => {
  const heard = { frames: [] as Uint8Array[], closed: [] as string[], drained: 0 };
  link.onFrame((frame) => void heard.frames.push(frame));
  link.onClosed((why) => void heard.closed.push(why));
  link.onDrain(() => {
    heard.drained += 1;
  });
  return heard;
};

/** Bytes of which each tells where it belongs. */
export const patterned = (bytes: number, seed = 0): Buffer => {
  const frame = Buffer.allocUnsafe(bytes);
  for (let at = 0; at < bytes; at++) frame[at] = (at * 7 + (at >> 8) + seed) & 0xff;
  return frame;
};

const same = (one: Uint8Array | undefined, other: Uint8Array): boolean =>
  one !== undefined && Buffer.compare(one, other) === 0;

/** What every link owes its owners; run on each implementation. */
export function linkSuite(name: string, makePair: () => Promise<LinkPair>): void {
  let pair: LinkPair;
  const both = () => ({ near: listen(pair.near), far: listen(pair.far) });

  describe(name, () => {
    beforeEach(async () => {
      pair = await makePair();
    });
    afterEach(() => pair.end());

    describe('carries', () => carries(() => pair, both));
    describe('bounds', () => bounds(() => pair, both));
    describe('ends', () => ends(() => pair, both));
    describe('suffers', () => suffers(() => pair, both));
  });
}

type Get = () => LinkPair;
type Both = () => { readonly near: Heard; readonly far: Heard };
type Heard = ReturnType<typeof listen>;

function carries(get: Get, both: Both): void {
  it('frames of all sizes, whole and in order, both ways at once', async () => {
    const { near, far } = get();
    const heard = both();
    const sizes = [0, 1, 125, 126, 65_535, 65_536, 1_000_000, near.frameBytesMax];
    const out = sizes.map((bytes, at) => patterned(bytes, at));
    const back = sizes.map((bytes, at) => patterned(bytes, at + 100)).reverse();
    for (const [at, frame] of out.entries()) {
      expect(near.send(frame)).toBe(true);
      expect(far.send(back[at]!)).toBe(true);
    }
    await get().until(
      'all have arrived',
      () => heard.far.frames.length === 8 && heard.near.frames.length === 8,
    );
    expect(heard.far.frames.map((frame, at) => same(frame, out[at]!))).toEqual(Array(8).fill(true));
    expect(heard.near.frames.map((frame, at) => same(frame, back[at]!))).toEqual(
      Array(8).fill(true),
    );
    expect([heard.near.closed, heard.far.closed]).toEqual([[], []]);
  });

  it('many small frames of one turn, each once', async () => {
    const { near } = get();
    const heard = both();
    for (let n = 0; n < 5_000; n++) near.send(Buffer.from(String(n)));
    await get().until('all have arrived', () => heard.far.frames.length >= 5_000);
    expect(heard.far.frames.map((frame) => Number(Buffer.from(frame).toString()))).toEqual(
      Array.from({ length: 5_000 }, (_, n) => n),
    );
  });

  it('nothing to an end that does not listen yet, and then all', async () => {
    const { near, far } = get();
    listen(near);
    for (let n = 0; n < 20; n++) near.send(Buffer.from([n]));
    await get().pass(20);
    const heard = listen(far);
    expect(heard.frames).toEqual([]);
    await get().until('all have arrived', () => heard.frames.length === 20);
    expect(heard.frames.map((frame) => frame[0])).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });

  it('bytes that stay as they were when later frames come', async () => {
    const { near } = get();
    const heard = both();
    const first = patterned(300, 1);
    near.send(first);
    await get().until('the first', () => heard.far.frames.length === 1);
    for (let n = 0; n < 200; n++) near.send(patterned(5_000, n));
    await get().until('the others', () => heard.far.frames.length === 201);
    expect(same(heard.far.frames[0], first)).toBe(true);
  });

  it('each end knows the other', () => {
    const { near, far } = get();
    expect(near.peer).toMatchObject({ kind: 'node', role: 'head', name: 'h1' });
    expect(far.peer).toMatchObject({ kind: 'node', role: 'worker', name: 'w1' });
  });
}

function bounds(get: Get, both: Both): void {
  it('a frame too large to send is a bug of the sender, and harms nothing', async () => {
    const { near } = get();
    const heard = both();
    expect(() => near.send(Buffer.alloc(near.frameBytesMax + 1))).toThrow(RangeError);
    expect(near.send(Buffer.from('still here'))).toBe(true);
    await get().until('the next', () => heard.far.frames.length === 1);
    expect(Buffer.from(heard.far.frames[0]!).toString()).toBe('still here');
  });

  it('a full outbox says no, loses nothing that it took, and tells when it is empty', async () => {
    const { near, outboxBytesMax } = get();
    const heard = both();
    get().hold('near');
    const frame = patterned(1 << 20);
    let taken = 0;
    // The system's own buffers take some; with a wire that takes nothing the end must come.
    await get().until('it says no', () => {
      while (near.send(frame)) taken += 1;
      return near.bufferedBytes + frame.length > outboxBytesMax;
    });
    expect(near.bufferedBytes).toBeLessThanOrEqual(outboxBytesMax);
    expect(near.send(frame)).toBe(false);
    get().release('near');
    await get().until('all have arrived', () => heard.far.frames.length === taken);
    await get().until('it tells', () => heard.near.drained > 0);
    expect(near.bufferedBytes).toBe(0);
    expect(near.send(Buffer.from('room'))).toBe(true);
    await get().until('one more', () => heard.far.frames.length === taken + 1);
    expect(heard.far.frames.slice(0, taken).every((one) => same(one, frame))).toBe(true);
  });
}

function ends(get: Get, both: Both): void {
  it('with a reason that both hear once, after all that was sent', async () => {
    const { near, far } = get();
    const heard = both();
    for (let n = 0; n < 50; n++) near.send(patterned(10_000, n));
    near.close('enough');
    near.close('again');
    expect(heard.near.closed).toEqual([]);
    await get().until('both know', () => heard.near.closed.length + heard.far.closed.length >= 2);
    await get().pass(20);
    expect([heard.near.closed, heard.far.closed]).toEqual([['enough'], ['enough']]);
    expect(heard.far.frames.length).toBe(50);
    expect([near.send(Buffer.of(1)), far.send(Buffer.of(1))]).toEqual([false, false]);
  });

  it('and says why to one that asks late', async () => {
    const { near, far } = get();
    listen(far);
    near.close('early');
    await get().pass(20);
    const late: string[] = [];
    near.onClosed((why) => void late.push(why));
    expect(late).toEqual([]);
    await get().until('it is told', () => late.length > 0);
    expect(late).toEqual(['early']);
  });

  it('and hands nothing over from then on', async () => {
    const { near, far } = get();
    const heard = both();
    for (let n = 0; n < 100; n++) far.send(patterned(50_000, n));
    await get().until('some came', () => heard.near.frames.length > 0);
    near.close('full up');
    const frames = heard.near.frames.length;
    await get().until('the other knows', () => heard.far.closed.length > 0);
    expect(heard.near.frames.length).toBe(frames);
    expect(heard.far.closed).toEqual(['full up']);
  });

  it('with as much of a long reason as fits', async () => {
    const heard = both();
    const why = 'é'.repeat(200);
    get().near.close(why);
    await get().until('the other knows', () => heard.far.closed.length > 0);
    expect(heard.far.closed[0]!.startsWith('é'.repeat(50))).toBe(true);
    expect(heard.near.closed).toEqual([why]);
  });

  it('with the text of what was malformed, or as a bug, when a handler throws', async () => {
    const heard = both();
    get().far.onFrame(() => {
      throw new Malformed('$.to', 'a path');
    });
    get().near.send(Buffer.of(1));
    await get().until('both know', () => heard.near.closed.length + heard.far.closed.length === 2);
    expect(heard.near.closed).toEqual(['$.to: a path']);
    expect(heard.far.closed).toEqual(['$.to: a path']);
  });

  it('as a bug when a handler throws anything else', async () => {
    const heard = both();
    get().far.onFrame(() => {
      throw new TypeError('secret inner words');
    });
    get().near.send(Buffer.of(1));
    await get().until('both know', () => heard.near.closed.length + heard.far.closed.length === 2);
    expect([heard.near.closed, heard.far.closed]).toEqual([['bug'], ['bug']]);
  });
}

function suffers(get: Get, both: Both): void {
  it('a reset, and tells it at once', async () => {
    const heard = both();
    get().cut();
    await get().until('both know', () => heard.near.closed.length + heard.far.closed.length === 2);
    expect([heard.near.closed, heard.far.closed]).toEqual([['reset'], ['reset']]);
    expect(get().near.send(Buffer.of(1))).toBe(false);
  });

  it('silence of both ways, to which both put an end', async () => {
    const heard = both();
    get().hold('near');
    get().hold('far');
    await get().until('both know', () => heard.near.closed.length + heard.far.closed.length === 2);
    expect([heard.near.closed, heard.far.closed]).toEqual([['silent'], ['silent']]);
  });

  it('silence of one way, which ends it for both', async () => {
    const heard = both();
    get().hold('far');
    await get().until('near knows', () => heard.near.closed.length === 1);
    expect(heard.near.closed).toEqual(['silent']);
    await get().until('far knows', () => heard.far.closed.length === 1);
    expect(['reset', 'silent']).toContain(heard.far.closed[0]);
  });

  it('a short silence, and delivers afterwards', async () => {
    const heard = both();
    get().hold('near');
    get().near.send(Buffer.from('late'));
    await get().pass(get().silenceMsMax / 3);
    expect(heard.far.frames).toEqual([]);
    get().release('near');
    await get().until('it came', () => heard.far.frames.length === 1);
    await get().pass(get().silenceMsMax * 1.5);
    expect([heard.near.closed, heard.far.closed]).toEqual([[], []]);
  });

  it('idleness for long, since beats go on', async () => {
    const heard = both();
    await get().pass(get().silenceMsMax * 2);
    expect([heard.near.closed, heard.far.closed]).toEqual([[], []]);
    get().near.send(Buffer.of(1));
    await get().until('it lives', () => heard.far.frames.length === 1);
  });
}
