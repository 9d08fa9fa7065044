import { globSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStore } from '../../src/platform/store.ts';
import type { Store } from '../../src/runtime/ports.ts';
import { changes, load, pathOfKey } from '../../src/runtime/record.ts';
import {
  all,
  type Database,
  databaseName,
  environmentOf,
  readJson,
  recordedVersions,
  scopes,
} from './files.ts';
import { type Kind, keepings } from './states.ts';

const each = recordedVersions().flatMap((version) => scopes.map((scope) => ({ version, scope })));

it('records of every family that keeps any are recorded', () => {
  const actors = join(import.meta.dirname, '../../src/actors');
  const kept = globSync('*/keeping.ts', { cwd: actors }).map((path) => path.split('/')[0]);
  expect(kept.sort()).toEqual(Object.keys(keepings).sort());
});

describe.each(each)('the $scope store of version $version', ({ version, scope }) => {
  const meant = readJson<Database>(version, databaseName(scope));
  let directory: string;
  let store: Store;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'swm-recorded-'));
    await cp(environmentOf(version, scope), join(directory, 'store'), { recursive: true });
    store = await openStore(join(directory, 'store'));
  });
  afterEach(async () => {
    await store.close();
    await rm(directory, { recursive: true });
  });

  it('opens, one life later, with all its keys', () => {
    expect(store.term).toBe(meant.term + 1);
    expect(store.range(all).map(([key]) => key)).toEqual(meant.keys);
  });

  it('has each record, with every field that it had', () => {
    const recorded = new Set(meant.keys.map(pathOfKey));
    recorded.delete(undefined);
    expect(meant.records.map(({ path }) => path).sort()).toEqual([...recorded].sort());
    for (const { kind, path, state } of meant.records) {
      const found = load(store, keepings[kind as Kind], path)?.state ?? {};
      // A newer version may know of more; what there was is what it was.
      const known = Object.entries(found).filter(([field]) => field in state);
      expect(Object.fromEntries(known), path).toEqual(state);
    }
  });

  it('has each record under the index keys by which it is looked for now', () => {
    const keys: string[] = [];
    for (const { kind, path } of meant.records) {
      const keeping = keepings[kind as Kind];
      const { state } = load(store, keeping, path) as { state: object };
      const written = changes(keeping, path, { parts: {}, index: [] }, state).changes;
      keys.push(...written.map(({ key }) => key));
    }
    // Of a claim that was under way before there was this key, a place may be refused once.
    const known = keys.filter((key) => !key.startsWith('i/placing#'));
    expect(known.sort()).toEqual(meant.keys.toSorted());
  });
});
