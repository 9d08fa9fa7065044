import { describe, expect, it } from 'vitest';
import { keeping } from '../../src/actors/safe/keeping.ts';
import { type Safe, SHARED } from '../../src/actors/safe/safe.ts';
import { checkSecrets, secretMessage, secretRows } from '../../src/actors/session/secrets.ts';
import { sealBy } from '../../src/platform/seal.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { limits } from '../../src/protocol/limits.ts';
import { type Body, message } from '../../src/protocol/messages.ts';
import type { Who } from '../../src/protocol/who.ts';
import { memoryStore } from './memory.ts';
import { NOW as NOW_AT } from './stage.ts';
import { ANN, BEN, OPERATOR, spec } from './things.ts';

const seal = sealBy(() => 'a key');
const set = (user: Who, body: Partial<Body<'secret.set'>> = {}) =>
  secretMessage(seal, user, message('secret.set', { name: 'db', secret: 'the word', ...body }));
const why = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof Failed) return `${error.failure.code}: ${error.message}`;
    throw error;
  }
  return 'good';
};

describe('a secret that is set', () => {
  it.each([
    [ANN, {}, ANN.id],
    [OPERATOR, {}, OPERATOR.id],
    [OPERATOR, { shared: true }, SHARED],
  ])('by %j with %j is sealed for its owner', (user, body, owner) => {
    const said = set(user, body);
    expect(said).toMatchObject({ name: 'secret.keep', body: { owner, name: 'db' } });
    const { sealed } = said!.body as Body<'secret.keep'>;
    expect(sealed).not.toContain('the word');
    expect(seal.open(owner, 'db', sealed)).toBe('the word');
    expect(sealed.length).toBeLessThanOrEqual(limits.sealedCharsMax);
  });

  it('fits when it is as long as may be, and not beyond, in whichever letters', () => {
    const body = set(ANN, { secret: 'é'.repeat(limits.secretBytesMax / 2) })?.body;
    const { sealed } = body as Body<'secret.keep'>;
    expect(sealed.length).toBeLessThanOrEqual(limits.sealedCharsMax);
    const secret = 'é'.repeat(limits.secretBytesMax / 2 + 1);
    expect(why(() => set(ANN, { secret }))).toMatch(/^too_large: a secret has at most 32768 bytes/);
  });

  it.each(['', 'a\0b'])('is refused if it is %j', (secret) => {
    expect(why(() => set(ANN, { secret }))).toMatch(/^malformed: \$\.secret/);
  });

  it('for everybody is an operator’s business, and so is its removal', () => {
    const text = 'forbidden: only operators change the secrets of everybody';
    expect(why(() => set(ANN, { shared: true }))).toBe(text);
    const removal = message('secret.remove', { name: 'db', shared: true });
    expect(why(() => secretMessage(seal, ANN, removal))).toBe(text);
    const body = { owner: SHARED, name: 'db' };
    expect(secretMessage(seal, OPERATOR, removal)).toEqual({ name: 'secret.drop', body });
  });

  it('is no other call', () => {
    expect(secretMessage(seal, ANN, message('job.cancel', { id: 'x' }))).toBeUndefined();
  });
});

describe('secrets that are there', () => {
  const store = memoryStore();
  const keep = (owner: string, ...names: readonly string[]): void => {
    const secrets = names.map((name) => ({ owner, name, sealed: 'v1.x', setAt: NOW_AT }));
    store.keep<Safe>(keeping, `/safes/${owner}`, { phase: 'shut', owner, secrets });
  };
  keep(ANN.id, 'db', 'key');
  keep(BEN.id, 'wages');
  keep(SHARED, 'registry');

  it('are listed to whoever may have them, by name alone', () => {
    expect(secretRows(store, ANN)).toEqual([
      { name: 'db', shared: false, setAt: NOW_AT },
      { name: 'key', shared: false, setAt: NOW_AT },
      { name: 'registry', shared: true, setAt: NOW_AT },
    ]);
    expect(secretRows(store, OPERATOR).map(({ name }) => name)).toEqual(['registry']);
  });

  it('are gone from the records with the last of them', () => {
    const CLEO = { door: 'terminal', id: 'cleo' } as const;
    keep('cleo', 'one', 'two');
    keep('cleo', 'two');
    expect(secretRows(store, CLEO).map(({ name }) => name)).toEqual(['two', 'registry']);
    keep('cleo');
    expect(store.range({ from: 'r/safes/cleo', to: 'r/safes/cleo~', limit: 9 })).toEqual([]);
  });

  const check = async (name: string, current = async (): Promise<void> => {}) => {
    const secrets = [{ name, as: 'env', to: 'X' } as const];
    const ports = { store, current };
    await checkSecrets(ports, ANN, spec({ secrets }));
  };
  it('may be named by a job, others may not', async () => {
    await check('db');
    await check('registry');
    const failure = { code: 'no_secret', retry: false };
    await expect(check('wages')).rejects.toMatchObject({
      failure: { ...failure, text: 'there is no secret wages' },
    });
    await expect(check('regisrty')).rejects.toMatchObject({
      failure: { ...failure, text: 'there is no secret regisrty; is registry meant?' },
    });
  });

  it('are known for an image too, and for nothing where there is none', async () => {
    const ports = { store, current: async () => {} };
    const pulled = (containerLogin: string, containerImage = 'a/b') =>
      checkSecrets(ports, ANN, spec({ containerImage, containerLogin }));
    await pulled('registry');
    await expect(pulled('wages')).rejects.toThrow('there is no secret wages');
    const why = '`container-login` is for a `container-image`, and there is none';
    await expect(pulled('registry', '')).rejects.toThrow(why);
  });

  it('are looked for in all that was told before, only if a job names some', async () => {
    let asked = 0;
    const current = async (): Promise<void> => {
      asked += 1;
      keep(ANN.id, 'db', 'new');
    };
    await check('new', current);
    await checkSecrets({ store, current }, ANN, spec());
    expect(asked).toBe(1);
  });
});
