import { afterEach, describe, expect, it, vi } from 'vitest';
import { connect } from '../../src/client/client.ts';
import type { Socket } from '../../src/client/socket.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { limits } from '../../src/protocol/limits.ts';
import { plainClientCodec } from '../../src/protocol/wire/codec-plain.ts';

const id = '0123abcd-0123-4abc-8abc-0123456789ab';

afterEach(() => void vi.useRealTimers());

const failureOf = async (work: Promise<unknown>) => {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Failed);
  return (error as Failed).failure;
};

describe('a client that is closed', () => {
  /** Takes all, and answers nothing. */
  const deaf = (): Socket & { closed: boolean } => ({
    closed: false,
    frameBytesMax: 1 << 20,
    bufferedBytes: 0,
    send: () => true,
    onFrame: () => {},
    onClosed: () => {},
    onDrain: () => {},
    close() {
      this.closed = true;
    },
  });

  /** Answers each question with who it is. */
  function answering(): Socket {
    let heard = (_: Uint8Array): void => {};
    return {
      ...deaf(),
      send(frame) {
        for (const envelope of plainClientCodec.decode(frame))
          if (envelope.is === 'call') {
            const { name } = envelope.message;
            const body = { id: 'b', operator: false };
            const reply = { is: 'reply', to: '', ask: envelope.ask, name, body } as const;
            const answer = plainClientCodec.encode([reply]);
            queueMicrotask(() => heard(answer));
          }
        return true;
      },
      onFrame(handler) {
        heard = handler;
      },
    };
  }

  it('leaves no timer, no line and no question behind', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    const sockets: ReturnType<typeof deaf>[] = [];
    const client = connect({
      heads: 3,
      async open(at) {
        if (at === 2) throw new Failed('unreachable', 'nobody listens');
        sockets.push(deaf());
        return sockets.at(-1)!;
      },
    });
    const calls = Array.from({ length: 50 }, () => failureOf(client.call('user.show', {})));
    const requeued = failureOf(client.call('job.requeue', { id }));
    const watched = failureOf(client.watch('jobs').next());
    await vi.advanceTimersByTimeAsync(limits.hedgeMs + 50);
    expect(sockets).toHaveLength(2);
    expect(vi.getTimerCount()).toBeGreaterThan(50);
    client.close();
    expect(vi.getTimerCount()).toBe(0);
    for (const why of await Promise.all(calls)) expect(why.code).toBe('stopping');
    expect((await requeued).code).toBe('unknown_outcome');
    expect((await watched).code).toBe('stopping');
    expect(sockets.every(({ closed }) => closed)).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('keeps one line when nothing is under way, and no timer', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    const sockets: ReturnType<typeof deaf>[] = [];
    const client = connect({
      heads: 2,
      async open() {
        sockets.push(deaf());
        return sockets.at(-1)!;
      },
    });
    const why = failureOf(client.call('user.show', {}, { ms: 1_000 }));
    await vi.advanceTimersByTimeAsync(limits.clientSilentMs * 3);
    expect((await why).code).toBe('timeout');
    expect(sockets.map(({ closed }) => closed)).toEqual([false, true]);
    expect(vi.getTimerCount()).toBe(0);
    client.close();
  });

  it('has forgotten a question that another head has answered', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    const client = connect({ heads: 2, open: async (at) => (at === 0 ? deaf() : answering()) });
    const called = client.call('user.show', {});
    await vi.advanceTimersByTimeAsync(limits.hedgeMs);
    expect(await called).toEqual({ id: 'b', operator: false });
    // None that waits for the other's answer: only a look at each of the two lines.
    await vi.advanceTimersByTimeAsync(limits.clientSilentMs);
    expect(vi.getTimerCount()).toBe(0);
    client.close();
  });
});
