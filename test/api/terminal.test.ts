import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/platform/clock.ts';
import type { LinkBounds } from '../../src/platform/link.ts';
import type { Envelope } from '../../src/protocol/envelope.ts';
import { limits } from '../../src/protocol/limits.ts';
import { message } from '../../src/protocol/messages.ts';
import { jsonCodec, plainCodec } from '../../src/protocol/wire/codec.ts';
import type { Codec } from '../../src/protocol/wire/frame.ts';
import { type HeadOptions, head, refusal } from '../client/head.ts';
import { until, user } from '../client/pipe.ts';
import { memoryLinks } from '../ports/memory-link.ts';

const server = { kind: 'node', role: 'head', name: 'head-1', installation: 'here' } as const;
const me = { id: user.id, operator: false };

/** A terminal that speaks in frames, at the door of a head. */
function terminal(options: HeadOptions, codec: Codec = plainCodec, bounds?: Partial<LinkBounds>) {
  const made = head(options);
  const clock = systemClock();
  const { near, far } = memoryLinks({
    clock,
    near: user,
    far: server,
    ...(bounds === undefined ? {} : { bounds }),
  });
  const heard: Envelope[] = [];
  const closed: string[] = [];
  made.take(far);
  near.onClosed((why) => closed.push(why));
  const listen = () => near.onFrame((frame) => void heard.push(...codec.decode(frame)));
  return {
    ...made,
    near,
    heard,
    closed,
    listen,
    say: (...envelopes: Envelope[]) => near.send(codec.encode(envelopes)),
    raw: (frame: Uint8Array) => near.send(frame),
    session: () => made.node.routes.find(`/sessions/${user.id.slice(0, 8)}-1`),
    listening() {
      listen();
      return this;
    },
  };
}

const show = (ask: number): Envelope => ({
  is: 'call',
  to: '',
  ask,
  message: message('user.show', {}),
});
const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

describe('a terminal', () => {
  it('is told what its session answers', async () => {
    const t = terminal({ play: () => me }).listening();
    t.say(show(7), show(9));
    await until(() => t.heard.length === 2, 'two answers');
    expect(t.heard).toEqual([
      { is: 'reply', ask: 7, name: 'user.show', body: me },
      { is: 'reply', ask: 9, name: 'user.show', body: me },
    ]);
    expect(t.told.map(({ who }) => who)).toEqual([
      { door: 'terminal', id: user.id },
      { door: 'terminal', id: user.id },
    ]);
  });

  it('is an operator if the registry says so, whatever its frames say', async () => {
    const t = terminal({ play: () => me, operator: true }).listening();
    t.say({ ...show(1), who: { door: 'head', id: 'x' } } as Envelope);
    await until(() => t.heard.length === 1, 'an answer');
    expect(t.told[0]?.who).toEqual({ door: 'operator', id: user.id });
  });

  it('hears why it was refused', async () => {
    const t = terminal({ play: () => refusal('full', 'no room') }).listening();
    t.say(show(3));
    await until(() => t.heard.length === 1, 'an answer');
    const why = { code: 'full', text: 'no room', retry: true };
    expect(t.heard).toEqual([{ is: 'refused', ask: 3, failure: why }]);
  });

  it('may say only what terminals may', async () => {
    const t = terminal({ play: () => me, operator: true }).listening();
    const remove = message('node.remove', { node: 'worker-1' });
    t.say({ is: 'call', to: '/nodes/worker-1', ask: 3, message: remove }, show(4));
    await until(() => t.heard.length === 2, 'two answers');
    expect(t.heard[0]).toMatchObject({ ask: 3, failure: { code: 'forbidden' } });
    expect(t.told.map((each) => each.message.name)).toEqual(['user.show']);
  });

  it('speaks JSON if it wants to', async () => {
    const t = terminal({ play: () => me, subprotocol: 'swm.v1+json' }, jsonCodec).listening();
    t.raw(json([[27, '', 5, {}]]));
    await until(() => t.heard.length === 1, 'an answer');
    expect(t.heard).toEqual([{ is: 'reply', ask: 5, name: 'user.show', body: me }]);
  });

  it('is told where a question is malformed, and the rest of the frame is heard', async () => {
    const t = terminal({ play: () => me, subprotocol: 'swm.v1+json' }, jsonCodec).listening();
    t.raw(
      json([
        [19, '', 1, { id: 5 }],
        [27, '', 2, {}],
        [999, '', 3, {}],
      ]),
    );
    await until(() => t.heard.length === 3, 'three answers');
    const texts = t.heard.map((each) => (each.is === 'refused' ? each.failure.text : each.is));
    expect(texts.toSorted()).toEqual([
      '$.id: must be string',
      '$[0]: 999 is no message here',
      'reply',
    ]);
    expect(t.closed).toEqual([]);
  });

  it.each([
    ['a tell that is malformed', [[19, '', 0, {}]], '$.id: is missing'],
    ['an answer', [[0, 1, 27, me]], '$: a call, not reply'],
    ['a watch', [[2, 1, '/jobs/1']], '$: a call, not watch'],
    ['no envelopes', { a: 1 }, '$: an array of envelopes'],
  ])('is hung up on, with the reason, for %s', async (_, frame, why) => {
    const t = terminal({ play: () => me, subprotocol: 'swm.v1+json' }, jsonCodec).listening();
    t.raw(json(frame));
    await until(() => t.closed.length === 1, 'a goodbye');
    expect(t.closed).toEqual([why]);
  });

  it('may have so many calls in flight, and no more', async () => {
    const asked: number[] = [];
    const t = terminal({ play: ({ ask }) => void asked.push(ask) }).listening();
    const size = limits.frameEnvelopesMax;
    for (let from = 1; from <= limits.callsMax; from += size)
      t.say(...Array.from({ length: size }, (_, at) => show(from + at)));
    t.say(show(999_999));
    await until(() => t.heard.length === 1, 'a refusal');
    expect(t.heard).toMatchObject([{ ask: 999_999, failure: { code: 'busy' } }]);
    await until(() => asked.length === limits.callsMax, 'all others asked');
    t.node.asks.answer(asked[0]!, { ok: true, body: me });
    await until(() => t.heard.length === 2, 'an answer');
    t.say(show(1_000_000));
    await until(() => asked.length === limits.callsMax + 1, 'one more');
  });

  it('leaves nothing behind when it goes', async () => {
    const t = terminal({ play: () => undefined }).listening();
    t.say(show(1), show(2));
    await until(() => t.told.length === 2, 'both asked');
    expect(t.node.asks.size).toBe(2);
    expect(t.session()).toBeDefined();
    t.near.close('done');
    await until(() => t.session() === undefined, 'its session gone');
    expect(t.node.asks.size).toBe(0);
  });

  it('has a session that comes back after a crash', async () => {
    let crashes = 1;
    const t = terminal({
      play: () => {
        if (crashes-- > 0) throw new Error('a bug');
        return me;
      },
    }).listening();
    t.say(show(1));
    await until(() => t.heard.length === 1, 'news of the crash');
    expect(t.heard).toMatchObject([{ is: 'refused', ask: 1, failure: { code: 'bug' } }]);
    t.say(show(2));
    await until(() => t.heard.length === 2, 'an answer');
    expect(t.heard[1]).toMatchObject({ is: 'reply', ask: 2 });
  });

  it('is refused while no sessions are served', async () => {
    const t = terminal({ play: () => me, open: false }).listening();
    t.say(show(1));
    await until(() => t.heard.length === 1, 'a refusal');
    expect(t.heard).toMatchObject([{ ask: 1, failure: { code: 'stopping', retry: true } }]);
  });

  it('is dropped when it does not read what it asks for', async () => {
    const trouble = ['x'.repeat(1_000)];
    const big = { node: 'n', version: '1', installation: 'i', since: 0, term: 0, actors: 0 };
    const play = () => ({ ...big, rssBytes: 0, trouble });
    const t = terminal({ play }, plainCodec, { outboxBytesMax: 20_000 });
    const status = message('node.status', {});
    const ask = (id: number) => t.say({ is: 'call', to: '', ask: id, message: status });
    ask(1);
    await until(() => t.session() !== undefined, 'its session');
    for (let id = 2; id <= 50 && t.session() !== undefined; id += 1) {
      ask(id);
      await until(() => t.told.length === id || t.session() === undefined, 'it was asked');
    }
    await until(() => t.session() === undefined, 'its session gone');
    t.listen();
    await until(() => t.closed.length === 1, 'a goodbye');
    expect(t.closed[0]).toContain('too slow');
  });
});
