import { failure } from '../src/protocol/errors.ts';
import { encodeExecFrame } from '../src/protocol/exec-frame.ts';
import { encodeStreamFrame, type StreamFrame } from '../src/protocol/streams/stream-frame.ts';
import { encodeWatchRow } from '../src/protocol/watch-row.ts';
import { code } from './cell.ts';

const id = '000102030405060708090a0b0c0d0e0f';
const hello = new TextEncoder().encode('hello');
const window = 1 << 20;

const frames: readonly StreamFrame[] = [
  { is: 'open', id, window, kind: 'watch', body: { what: 'nodes' } },
  { is: 'accept', id, window, body: {} },
  { is: 'data', id, offset: 0, bytes: hello },
  { is: 'credit', id, offset: hello.length },
  { is: 'end', id, offset: hello.length },
  { is: 'reset', id, failure: failure('busy', 'later', true) },
];

/** Frames of one stream byte for byte, and what goes over some kinds, for who writes their own. */
export const frameTable: readonly (readonly string[])[] = [
  ['what', 'its bytes'],
  ...frames.map(({ id: _, ...frame }, at) => [
    code(JSON.stringify('bytes' in frame ? { ...frame, bytes: 'hello' } : frame)),
    hexOf(encodeStreamFrame(frames[at]!)),
  ]),
  ['a row of a watch: `[7, "", null]`', hexOf(encodeWatchRow({ revision: 7, key: '', row: null }))],
  ['input of a command: `hello`', hexOf(encodeExecFrame('I', hello))],
];

function hexOf(bytes: Uint8Array): string {
  return code(Buffer.from(bytes).toString('hex'));
}
