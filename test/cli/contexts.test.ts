import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { run as add } from '../../src/cli/context-add.ts';
import { run as list } from '../../src/cli/context-list.ts';
import { run as remove } from '../../src/cli/context-remove.ts';
import { run as use } from '../../src/cli/context-use.ts';
import { Usage } from '../../src/cli/exits.ts';
import { placeOf, urlOf } from '../../src/cli/place.ts';
import type { Options, Run } from '../../src/cli/verb.ts';
import { staged } from './call.ts';

let home = '';
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'swm-contexts-'));
  vi.stubEnv('HOME', home);
  for (const name of ['SWM_CONTEXT', 'SWM_URL', 'SWM_SPOOL']) vi.stubEnv(name, '');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(home, { recursive: true });
});

const call = async (run: Run, args: readonly string[], options: Options = {}) => {
  const made = staged({ args, options, json: true });
  expect(await run(made)).toBe(0);
  return JSON.parse(made.out[0]!) as unknown;
};
const file = () => join(home, '.swm', 'contexts.json');
const keys = { cert: '/k/cert.pem', key: '/k/key.pem', ca: '/k/ca.pem' };
const one = { url: 'https://one:8443', ...keys };

describe('contexts', () => {
  it('are kept for nobody else to read, listed, and forgotten', async () => {
    await call(add, ['one'], one);
    await call(add, ['a.2'], { spool: 'here' });
    expect((await stat(file())).mode & 0o777).toBe(0o600);
    expect((await stat(join(home, '.swm'))).mode & 0o777).toBe(0o700);
    await call(use, ['one']);
    expect(await call(list, [])).toEqual([
      { name: 'a.2', current: false, spool: join(process.cwd(), 'here') },
      { name: 'one', current: true, ...one },
    ]);
    await call(remove, ['one']);
    await call(add, ['a.2'], { url: 'b' });
    expect(await call(list, [])).toEqual([{ name: 'a.2', current: false, url: 'b' }]);
    await expect(call(remove, ['one'])).rejects.toThrow(/no context one/);
    await expect(call(use, ['one'])).rejects.toThrow(/no context one/);
  });

  it.each<readonly [string, Options, string]>([
    ['a b', one, 'is called by'],
    ['__proto__', one, 'is called by'],
    ['x', {}, '--url or --spool'],
    ['x', { url: 'a', cert: 'c' }, 'go together'],
    ['x', { url: 'http://plain' }, 'TLS'],
  ])('are not kept: %s %j', async (name, options, text) => {
    await expect(call(add, [name], options)).rejects.toThrow(text);
    await expect(stat(file())).rejects.toThrow('ENOENT');
  });

  it('say where to go and as whom, if it is not said otherwise', async () => {
    await call(add, ['one'], one);
    await call(add, ['two'], { url: 'two' });
    const place = (options: Options) => {
      const { url, certificate, key, authorities } = placeOf(options);
      return [url, certificate, key, authorities];
    };
    const named = [one.url, keys.cert, keys.key, keys.ca];
    const none = [undefined, undefined, undefined, undefined];
    expect(place({})).toEqual(none);
    expect(place({ context: 'one' })).toEqual(named);
    await call(use, ['one']);
    expect(place({})).toEqual(named);
    expect(urlOf({})).toBe(one.url);
    expect(place({ context: 'two' })).toEqual(['two', undefined, undefined, undefined]);
    // What is said without a context is meant without one, by whatever it is said.
    expect(place({ url: 'three' })).toEqual(['three', undefined, undefined, undefined]);
    expect(place({ spool: 's' })).toEqual(none);
    vi.stubEnv('SWM_URL', 'four');
    expect(place({})).toEqual(['four', undefined, undefined, undefined]);
    // What is said beside one takes the place of what that says.
    expect(place({ context: 'one' })).toEqual(named);
    expect(place({ context: 'one', url: 'u', cert: 'c', key: 'k' })).toEqual([
      'u',
      'c',
      'k',
      keys.ca,
    ]);
    expect(place({ context: 'one', spool: 's' })[0]).toBeUndefined();
    vi.stubEnv('SWM_CONTEXT', 'two');
    expect(place({})[0]).toBe('two');
    vi.stubEnv('SWM_URL', '');
    vi.stubEnv('SWM_CONTEXT', '');
    await call(use, []);
    expect(place({})).toEqual(none);
    expect(() => placeOf({ context: 'three' })).toThrow(/no context three/);
  });

  it('that cannot be read are told, not taken for none', async () => {
    await call(add, ['one'], one);
    const text = await readFile(file(), 'utf8');
    for (const broken of ['{', '[]', 'null', text.replace('"https://one:8443"', '7')]) {
      await writeFile(file(), broken);
      expect(() => placeOf({})).toThrow(Usage);
    }
  });
});
