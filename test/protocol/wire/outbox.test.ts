import { describe, expect, it } from 'vitest';
import type { Envelope } from '../../../src/protocol/envelope.ts';
import type { Failure } from '../../../src/protocol/errors.ts';
import { limits } from '../../../src/protocol/limits.ts';
import { message } from '../../../src/protocol/messages.ts';
import { meshCodec, plainCodec } from '../../../src/protocol/wire/codec.ts';
import { outbox } from '../../../src/protocol/wire/outbox.ts';

const id = '0123abcd-0123-4abc-8abc-0123456789ab';
const call = (ask: number): Envelope => ({
  is: 'call',
  to: '',
  ask,
  message: message('job.cancel', { id }),
});
const calls = (count: number) => Array.from({ length: count }, (_, at) => call(at + 1));
const submit = (ask: number, bytes: number): Envelope => ({
  is: 'call',
  to: '',
  ask,
  message: message('job.submit', { script: 'x'.repeat(bytes), inputs: [] }),
});

/** A link that keeps what it is given, and takes no more than `room` frames. */
function world(codec = meshCodec(), frameBytesMax: number = limits.frameBytesMax) {
  const frames: Uint8Array[] = [];
  const turns: (() => void)[] = [];
  const unsent: [number, Failure][] = [];
  const link = {
    frameBytesMax,
    room: Number.POSITIVE_INFINITY,
    send(frame: Uint8Array) {
      if (frame.length > frameBytesMax) throw new RangeError('too large');
      if (frames.length >= link.room) return false;
      frames.push(frame);
      return true;
    },
  };
  const box = outbox({
    link,
    codec,
    soon: (then) => turns.push(then),
    unsent: ({ ask }, why) => unsent.push([ask, why]),
  });
  const peer = codec === plainCodec ? plainCodec : meshCodec();
  return {
    link,
    box,
    unsent,
    frames,
    turns,
    turn: () => turns.splice(0).forEach((then) => void then()),
    sizes: () => frames.map((frame) => peer.decode(frame).length),
    heard: () => frames.flatMap((frame) => peer.decode(frame)),
  };
}

describe('an outbox', () => {
  it('sends all that is said within a turn as one frame', () => {
    const { box, turn, turns, frames, heard } = world();
    for (const each of calls(5)) expect(box.push(each)).toBe(true);
    expect(frames).toHaveLength(0);
    expect(turns).toHaveLength(1);
    turn();
    box.push(call(6));
    turn();
    turn();
    expect(frames).toHaveLength(2);
    expect(heard()).toEqual(calls(6));
  });

  it('sends full frames at once', () => {
    const { box, turn, sizes } = world();
    for (const each of calls(300)) box.push(each);
    turn();
    expect(sizes()).toEqual([128, 128, 44]);
  });

  it('keeps what a jammed link refused, in order, and says no when it holds enough', () => {
    const { box, turn, link, heard, frames } = world();
    link.room = 1;
    let taken = 0;
    const fill = (): void => {
      while (taken < 10_000 && box.push(call(taken + 1))) taken += 1;
    };
    fill();
    turn();
    expect(frames).toHaveLength(1);
    expect(taken).toBe(3 * limits.frameEnvelopesMax);
    link.room = 2;
    box.drained();
    fill();
    expect(taken).toBe(4 * limits.frameEnvelopesMax);
    link.room = Number.POSITIVE_INFINITY;
    box.drained();
    expect(box.push(call(taken + 1))).toBe(true);
    turn();
    expect(heard()).toEqual(calls(taken + 1));
  });

  it('splits what is too large for one frame, and forgets nothing that was learned', () => {
    const { box, turn, sizes } = world(meshCodec(), 3_000);
    const sent = Array.from({ length: 5 }, (_, at) => submit(at + 1, 1_000));
    for (const each of sent) box.push(each);
    turn();
    expect(sizes()).toEqual([2, 1, 2]);
    const again = world(meshCodec(), 3_000);
    for (const each of [...sent, ...sent]) again.box.push(each);
    again.turn();
    for (const each of sent) again.box.push(each);
    again.turn();
    expect(again.heard()).toEqual([...sent, ...sent, ...sent]);
  });

  it('keeps the order when it splits and jams at once', () => {
    const { box, turn, heard, link } = world(meshCodec(), 3_000);
    const sent = Array.from({ length: 7 }, (_, at) => submit(at + 1, 1_000));
    const send = link.send;
    let tries = 0;
    // As a link does that has room again in the middle, or for a smaller frame.
    link.send = (frame) => {
      tries += 1;
      return tries === 2 ? false : send(frame);
    };
    for (const each of sent) box.push(each);
    turn();
    box.drained();
    expect(heard()).toEqual(sent);
  });

  it('answers for what fits into no frame, and sends the rest', () => {
    const { box, turn, heard, unsent } = world(plainCodec, 3_000);
    box.push(call(1));
    box.push(submit(2, 5_000));
    box.push({ is: 'reply', ask: 3, name: 'user.show', body: { id: 'x'.repeat(9_000) } });
    box.push(call(4));
    turn();
    expect(unsent).toMatchObject([[2, { code: 'too_large' }]]);
    const [first, refused, last] = heard();
    expect(first).toEqual(call(1));
    expect(refused).toMatchObject({ is: 'refused', ask: 3, failure: { code: 'too_large' } });
    expect(last).toEqual(call(4));
  });

  it('lets nobody suffer from a body that cannot be written', () => {
    const { box, turn, heard, unsent } = world();
    const deep: { inner?: object } = {};
    let at = deep;
    for (let depth = 0; depth < 100_000; depth += 1) at = at.inner = {};
    box.push(call(1));
    box.push({ ...call(2), message: message('job.cancel', { id, deep } as never) } as Envelope);
    box.push(call(3));
    turn();
    expect(unsent).toMatchObject([[2, { code: 'bug' }]]);
    expect(heard()).toEqual([call(1), call(3)]);
  });
});
