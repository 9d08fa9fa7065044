import type { Envelope } from '../../src/protocol/envelope.ts';
import { type Code, errors, failure } from '../../src/protocol/errors.ts';
import { addressee, type Message, messages, type Name } from '../../src/protocol/messages.ts';
import type { StreamFrame } from '../../src/protocol/streams/stream-frame.ts';
import type { WatchRow } from '../../src/protocol/watch-row.ts';
import type { Who } from '../../src/protocol/who.ts';
import { messageSamples } from './messages.ts';
import { hash, jobRow, nodeRow, owner, report } from './values.ts';

const names = Object.keys(messageSamples) as Name[];

const running = {
  ...report,
  phase: 'running',
  exitedAt: 0,
  unenforced: [],
  stopped: false,
  exit: null,
  collected: null,
  failure: null,
} as const;

const callOf = (name: Name, body: object, ask: number, who?: Who): Envelope => {
  const message = { name, body } as Message;
  const to = addressee(name, body) ?? '';
  return who === undefined
    ? { is: 'call', to, ask, message }
    : { is: 'call', to, ask, message, who };
};

/** As a busy link carries it: the same message again, what its first one left out filled in. */
const again = (seq: number): Envelope => callOf('job.report', { ...running, seq }, 0);

const doors = ['terminal', 'operator', 'head', 'worker'] as const;

/** What went over one link, frame by frame. */
export const envelopeFrames: readonly (readonly Envelope[])[] = [
  ...names.map((name, i): readonly Envelope[] => {
    const { body, reply } = messageSamples[name];
    const ask = messages[name].reply ? i + 1 : 0;
    const call = callOf(name, body, ask);
    return ask === 0 ? [call] : [call, { is: 'reply', ask, name, body: reply }];
  }),
  doors.map((door, i) => callOf('job.cancel', { id: jobRow.id }, 200 + i, { door, id: owner })),
  // Without what may be left out.
  [callOf('job.submit', { script: '', inputs: [] }, 300), callOf('job.list', {}, 301)],
  (Object.keys(errors) as Code[]).map((code, i) => ({
    is: 'refused',
    ask: 1_000 + i,
    failure: failure(code, `why: ${code}`),
  })),
  [{ is: 'refused', ask: 2 ** 40, failure: failure('busy', 'not now — später', false) }],
  [{ is: 'watch', watch: 1, path: `/jobs/${jobRow.id}` }],
  [
    { is: 'unwatch', watch: 1 },
    { is: 'down', watch: 2, why: 'a newer link took its place' },
  ],
  Array.from({ length: 5 }, (_, seq) => again(seq)),
];

/** From this frame on, the sender of the mesh link teaches its peer anew, as after a lost frame. */
export const forgetBefore = envelopeFrames.length - 2;

const stream = '00112233445566778899aabbccddeeff';

/** A frame of each kind, and a life of a stream in them. */
export const streamFrames: readonly StreamFrame[] = [
  { is: 'open', id: stream, window: 1 << 20, kind: 'blob.fetch', body: { sha256: hash, from: 0 } },
  { is: 'accept', id: stream, window: 2 ** 24, body: { bytes: 6_000_000_000 } },
  { is: 'data', id: stream, offset: 0, bytes: Uint8Array.from({ length: 256 }, (_, i) => i) },
  { is: 'data', id: stream, offset: 2 ** 40, bytes: Uint8Array.of(0xc1) },
  { is: 'credit', id: stream, offset: 256 },
  { is: 'resume', id: stream, offset: 2 ** 33 },
  { is: 'end', id: stream, offset: 2 ** 48 - 1 },
  { is: 'reset', id: stream, failure: failure('unreachable', 'der Link ist weg ✗') },
  { is: 'reset', id: stream, failure: failure('refused', 'no', false) },
];

/** Of a watch: all that is there, the end of that, a change, and an end. */
export const watchSamples: readonly WatchRow[] = [
  { revision: 7, key: jobRow.id, row: jobRow },
  { revision: 7, key: nodeRow.name, row: nodeRow },
  { revision: 7, key: '', row: null },
  { revision: 2 ** 40, key: jobRow.id, row: { ...jobRow, state: 'F', phase: 'ended' } },
  { revision: 2 ** 40 + 1, key: jobRow.id, row: null },
];
