import { Unpackr } from 'msgpackr/unpack';
import { describe, expect, it } from 'vitest';
import type { Envelope } from '../../src/protocol/envelope.ts';
import { byCode, messages, type Name } from '../../src/protocol/messages.ts';
import { decodeStreamFrame, encodeStreamFrame } from '../../src/protocol/streams/stream-frame.ts';
import { type WatchRow, watchRows } from '../../src/protocol/watch-row.ts';
import { jsonCodec, meshCodec, plainCodec } from '../../src/protocol/wire/codec.ts';
import { readFrames, readJson, recordedVersions } from './files.ts';
import { showStreamFrame } from './record.ts';

const versions = recordedVersions();
const codecs = { mesh: meshCodec, msgpack: () => plainCodec, json: () => jsonCodec };
const names = Object.keys(codecs) as (keyof typeof codecs)[];

it('there is a recorded version', () => {
  expect(versions[0]).toBe(1);
});

describe.each(versions)('what version %i said', (version) => {
  const said = readJson<Envelope[][]>(version, 'envelopes.json');

  it.each(names)('is read, frame by frame: %s', (name) => {
    const codec = codecs[name]();
    const read = readFrames(version, `${name}.frames`).map((frame) => codec.decode(frame));
    expect(read).toEqual(said);
  });

  it.each([
    [
      'msgpack',
      plainCodec,
      (bytes: Uint8Array) => new Unpackr({ useRecords: false }).unpack(bytes),
    ],
    ['json', jsonCodec, (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes))],
  ] as const)(
    'is said the same way now, for those who have not changed: %s',
    (name, codec, rows) => {
      const frames = readFrames(version, `${name}.frames`);
      expect(said.map((envelopes) => rows(codec.encode(envelopes)))).toEqual(frames.map(rows));
    },
  );

  it('is every message of its table, asked and answered', () => {
    const codes = Object.keys(readJson<Record<string, number>>(version, 'codes.json'));
    const calls = new Set<string>();
    const replies = new Set<string>();
    for (const envelope of said.flat()) {
      if (envelope.is === 'call') calls.add(envelope.message.name);
      if (envelope.is === 'reply') replies.add(envelope.name);
    }
    const answered = codes.filter((name) => messages[name as Name]?.reply ?? replies.has(name));
    expect([...calls].sort()).toEqual(codes.sort());
    expect([...replies].sort()).toEqual(answered.sort());
  });

  it('is read as streams', () => {
    const frames = readFrames(version, 'streams.frames');
    const meant = readJson<object[]>(version, 'streams.json');
    const read = frames.map(decodeStreamFrame);
    expect(read.map(showStreamFrame)).toEqual(meant);
    expect(read.map((frame) => Buffer.from(encodeStreamFrame(frame)))).toEqual(
      frames.map((frame) => Buffer.from(frame)),
    );
    expect(new Set(read.map(({ is }) => is)).size).toBe(7);
  });

  it('is read as a watch, whatever pieces it comes in', () => {
    const bytes = Buffer.concat(readFrames(version, 'watch.frames'));
    const take = watchRows();
    const rows: WatchRow[] = [];
    for (let at = 0; at < bytes.length; at += 7) rows.push(...take(bytes.subarray(at, at + 7)));
    expect(rows).toEqual(readJson(version, 'watch.json'));
  });
});

describe.each(versions)('the codes of version %i', (version) => {
  it('mean what they meant, or nothing any more', () => {
    const codes = Object.entries(readJson<Record<string, number>>(version, 'codes.json'));
    expect(codes.length).toBeGreaterThan(0);
    const moved = codes.filter(([name, code]) => {
      const now = messages[name as Name]?.code;
      return now === undefined ? byCode.has(code) : now !== code;
    });
    expect(moved).toEqual([]);
  });
});

it('no two messages share a code', () => {
  expect(byCode.size).toBe(Object.keys(messages).length);
});
