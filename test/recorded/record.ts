import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openStore } from '../../src/platform/store.ts';
import { errors } from '../../src/protocol/errors.ts';
import { messages } from '../../src/protocol/messages.ts';
import { encodeStreamFrame, type StreamFrame } from '../../src/protocol/streams/stream-frame.ts';
import { encodeWatchRow } from '../../src/protocol/watch-row.ts';
import { jsonCodec, meshCodec, plainCodec } from '../../src/protocol/wire/codec.ts';
import type { Codec } from '../../src/protocol/wire/frame.ts';
import type { Change, Store } from '../../src/runtime/ports.ts';
import { changes, load, NOTHING_KEPT } from '../../src/runtime/record.ts';
import {
  all,
  type Database,
  databaseName,
  environmentOf,
  folderOf,
  joinFrames,
  recordedVersions,
  type Scope,
  scopes,
} from './files.ts';
import { envelopeFrames, forgetBefore, streamFrames, watchSamples } from './frames.ts';
import { keepings, type Life, lives } from './states.ts';

/**
 * Writes what this swm writes, on the wire and on disk, into a folder of a new version, with what
 * it means as JSON beside it. What an older version left is never written to. Returns the folder.
 */
export async function record(): Promise<string> {
  const version = (recordedVersions().at(-1) ?? 0) + 1;
  const folder = folderOf(version);
  // Fails if it is there.
  await mkdir(folder);
  const write = (name: string, content: Uint8Array | object): Promise<void> =>
    writeFile(join(folder, name), content instanceof Uint8Array ? content : linesOf(content), {
      flag: 'wx',
    });
  const codes = Object.entries(messages).map(([name, { code }]) => [name, code]);
  const statuses = Object.entries(errors).map(([code, { http }]) => [code, http]);
  await write('codes.json', Object.fromEntries(codes));
  await write('errors.json', Object.fromEntries(statuses));
  await write('envelopes.json', envelopeFrames);
  await write('mesh.frames', recordFrames(meshCodec()));
  await write('msgpack.frames', recordFrames(plainCodec));
  await write('json.frames', recordFrames(jsonCodec));
  await write('streams.json', streamFrames.map(showStreamFrame));
  await write('streams.frames', joinFrames(streamFrames.map(encodeStreamFrame)));
  await write('watch.json', watchSamples);
  await write('watch.frames', joinFrames(watchSamples.map(encodeWatchRow)));
  for (const scope of scopes)
    await write(databaseName(scope), await recordDatabase(version, scope));
  return folder;
}

/** JSON with one element, or field, a line. */
function linesOf(content: object): string {
  const isList = Array.isArray(content);
  const parts = Object.entries(content).map(([key, value]) =>
    isList ? JSON.stringify(value) : `${JSON.stringify(key)}: ${textOf(value)}`,
  );
  const [open, shut] = isList ? '[]' : '{}';
  return `${open}\n${parts.join(',\n')}\n${shut}\n`;
}

const textOf = (value: unknown): string =>
  Array.isArray(value) ? linesOf(value).trimEnd() : JSON.stringify(value);

function recordFrames(codec: Codec): Uint8Array {
  const frames = envelopeFrames.map((envelopes, i) => {
    if (i === forgetBefore) codec.forget();
    return codec.encode(envelopes);
  });
  return joinFrames(frames);
}

/** The bytes of a data frame in base64. */
export const showStreamFrame = (frame: StreamFrame): object =>
  frame.is === 'data' ? { ...frame, bytes: Buffer.from(frame.bytes).toString('base64') } : frame;

/** Saves the lives of all records of a store, state after state, and closes it. */
async function recordDatabase(version: number, scope: Scope): Promise<Database> {
  const directory = environmentOf(version, scope);
  const whole = `${directory}.whole`;
  const store = await openStore(whole);
  const own = lives().filter(({ kind }) => keepings[kind].scope === scope);
  for (const batch of batchesOf(own)) await committed(store, batch);
  const keys = store.range(all).map(([key]) => key);
  const records = own.flatMap(({ kind, path }) => {
    const loaded = load(store, keepings[kind], path);
    return loaded === undefined ? [] : [{ kind, path, state: loaded.state }];
  });
  const { term } = store;
  await store.close();
  await rename(whole, directory);
  await rm(join(directory, 'lock.mdb'), { force: true });
  return { term, keys, records };
}

/** The first states of all records in one batch, then the next ones. */
function batchesOf(own: readonly Life[]): readonly (readonly Change[])[] {
  const batches: Change[][] = [];
  for (const { kind, path, states } of own) {
    let kept = NOTHING_KEPT;
    states.forEach((state, i) => {
      const next = changes(keepings[kind], path, kept, state);
      kept = next.kept;
      batches[i] = [...(batches[i] ?? []), ...next.changes];
    });
  }
  return batches;
}

const committed = (store: Store, batch: readonly Change[]): Promise<void> =>
  new Promise((resolve, reject) => {
    store.commit(batch, (outcome) =>
      outcome === 'committed' ? resolve() : reject(new Error('a commit ended unknown')),
    );
  });
