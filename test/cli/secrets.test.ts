import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run as list } from '../../src/cli/secret-list.ts';
import { run as remove } from '../../src/cli/secret-rm.ts';
import { run as set } from '../../src/cli/secret-set.ts';
import { limits } from '../../src/protocol/limits.ts';
import { staged } from './call.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'swm-secrets-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function calling(bytes: string | Uint8Array, options: object = {}, json = false) {
  const fromFile = join(folder, 'value');
  await writeFile(fromFile, bytes);
  const answers = { 'secret.set': { name: 'db' } };
  return staged({ args: ['db'], options: { fromFile, ...options }, json, answers });
}

describe('swm secret', () => {
  it('sets what is in a file, as it is, and prints the name alone', async () => {
    const call = await calling(' the word\r\n');
    expect(await set(call)).toBe(0);
    expect(call.asked).toEqual([['secret.set', { name: 'db', secret: ' the word\r\n' }]]);
    expect([call.out, call.notes]).toEqual([['db'], []]);
    const shared = await calling('x', { shared: true }, true);
    await set(shared);
    expect(shared.asked).toEqual([['secret.set', { name: 'db', secret: 'x', shared: true }]]);
    expect(shared.out).toEqual(['{"name":"db"}']);
  });

  it.each([
    ['nothing', '', /nothing in it/],
    ['no text', new Uint8Array([0xff]), /base64/],
    ['too much', 'x'.repeat(limits.secretBytesMax + 1), /at most 32768 bytes/],
  ])('asks nobody about %s', async (_, bytes, why) => {
    const call = await calling(bytes);
    await expect(set(call)).rejects.toThrow(why);
    expect(call.asked).toEqual([]);
  });

  it('says which file it cannot read', async () => {
    const call = staged({ args: ['db'], options: { fromFile: join(folder, 'none') } });
    await expect(set(call)).rejects.toThrow(/none: /);
  });

  it('lists names, and whose they are', async () => {
    const secrets = [
      { name: 'db', shared: false, setAt: 0 },
      { name: 'registry', shared: true, setAt: 60_000 },
    ];
    const call = staged({ answers: { 'secret.list': { secrets } } });
    expect(await list(call)).toBe(0);
    expect(call.out).toEqual([
      'NAME      FOR        SET',
      'db        you        1970-01-01T00:00:00.000Z',
      'registry  everybody  1970-01-01T00:01:00.000Z',
    ]);
  });

  it('removes one', async () => {
    const answers = { 'secret.remove': { name: 'db' } };
    const call = staged({ args: ['db'], answers });
    expect(await remove(call)).toBe(0);
    expect([call.asked, call.out]).toEqual([[['secret.remove', { name: 'db' }]], ['db']]);
    const shared = staged({ args: ['db'], options: { shared: true }, json: true, answers });
    await remove(shared);
    expect(shared.asked).toEqual([['secret.remove', { name: 'db', shared: true }]]);
    expect(shared.out).toEqual(['{"name":"db"}']);
  });
});
