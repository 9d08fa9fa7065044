import { TERMINAL_CALLS } from '../src/actors/session/session.ts';
import { limits } from '../src/protocol/limits.ts';
import { messages } from '../src/protocol/messages.ts';
import { shapes } from '../src/protocol/shapes.ts';
import { code } from './cell.ts';
import { frameTable } from './frame-table.ts';
import { namedShapes, shapeText } from './shape-text.ts';

type Rows = readonly (readonly string[])[];

/** Those that authors of terminals come upon. */
const ofTerminals = [
  'frameBytesMax',
  'frameEnvelopesMax',
  'callsMax',
  'callMs',
  'pageMax',
  'scriptBytesMax',
  'outboxBytesMax',
  'beatMs',
  'silenceMsMax',
  'handshakeMsMax',
  'streamsMax',
  'streamWindowBytes',
  'streamWindowBytesMax',
  'streamFrameBytesMax',
  'streamBodyBytesMax',
  'watchesMax',
  'watchRowsMax',
  'watchPastMax',
  'watchPastMs',
  'forwardListenMs',
  'forwardConnectionsMax',
  'execWordsMax',
  'execBytesMax',
  'execFrameBytesMax',
  'execsMax',
] as const satisfies readonly (keyof typeof limits)[];

/** The calls of terminals in the order of their numbers. */
const calls = TERMINAL_CALLS.toSorted((a, b) => messages[a].code - messages[b].code);

/** What docs/protocol.md has from the table of messages, its shapes and the limits. */
export const protocolTables: Readonly<Record<string, (kept: (first: string) => string) => Rows>> = {
  calls: () => [
    ['number', 'call', 'who may', 'what it does'],
    ...calls.map((name) => {
      const { code: number, from, help } = messages[name];
      const mayAll = (from as readonly string[]).includes('terminal');
      return [String(number), code(name), mayAll ? 'users' : 'operators', help];
    }),
  ],
  bodies: () => [
    ['call', 'its body', 'the body of its answer'],
    ...calls.map((name) => {
      const { body, reply } = shapes[name];
      return [code(name), code(shapeText(body)), code(shapeText(reply))];
    }),
  ],
  shapes: () => [
    ['shape', 'what it is'],
    ...namedShapes.map(([name, text]) => [code(name), code(text)]),
  ],
  frames: () => frameTable,
  bounds: (kept) => [
    ['limit', 'value', 'what it means'],
    ...ofTerminals.map((name) => [code(name), String(limits[name]), kept(code(name))]),
  ],
};
