import { describe, expect, it } from 'vitest';
import { redact } from '../../src/platform/redact.ts';
import { sealBy } from '../../src/platform/seal.ts';
import { Failed } from '../../src/protocol/errors.ts';

const seal = sealBy(() => 'the authority’s key');
const open = (work: () => string): string => {
  try {
    return work();
  } catch (error) {
    if (error instanceof Failed) return error.failure.code;
    throw error;
  }
};

describe('a seal', () => {
  it.each(['x', 'größer ✓\n', 'a'.repeat(40_000)])('opens what it has shut', (text) => {
    const sealed = seal.shut('ann', 'db', text);
    expect(sealed).toMatch(/^v1\.[\w-]+$/);
    expect(sealed).not.toContain(Buffer.from(text).toString('base64url').slice(0, 20) || '!');
    expect(sealBy(() => 'the authority’s key').open('ann', 'db', sealed)).toBe(text);
  });

  it('shuts one text in another way each time', () => {
    expect(new Set([1, 2, 3].map(() => seal.shut('ann', 'db', 'x'))).size).toBe(3);
  });

  it.each([
    ['of another owner', (sealed: string) => seal.open('ben', 'db', sealed)],
    ['of another name', (sealed: string) => seal.open('ann', 'bd', sealed)],
    ['whose parts could be read in two ways', (sealed: string) => seal.open('ann\ndb', '', sealed)],
    ['by another key', (sealed: string) => sealBy(() => 'other').open('ann', 'db', sealed)],
    ['that was cut', (sealed: string) => seal.open('ann', 'db', sealed.slice(0, -4))],
    ['of which too little is left', (sealed: string) => seal.open('ann', 'db', sealed.slice(0, 9))],
    ['of another form', (sealed: string) => seal.open('ann', 'db', sealed.replace('v1', 'v2'))],
    ['that was changed', (sealed: string) => seal.open('ann', 'db', flipped(sealed))],
  ])('opens nothing %s', (_, work) => {
    expect(open(() => work(seal.shut('ann', 'db', 'the word')))).toBe('corrupt');
  });

  it('says so while there is no key yet', () => {
    const young = sealBy(() => {
      throw new Failed('unreachable', 'not yet');
    });
    expect(open(() => young.shut('ann', 'db', 'x'))).toBe('unreachable');
  });
});

it('hides the messages that have secrets in them wherever they are noted', () => {
  const set = { name: 'secret.set', body: { name: 'db', secret: 'the word' } };
  const given = { is: 'reply', name: 'job.secrets', body: { secrets: { db: 'the word' } } };
  const noted = JSON.stringify(redact({ set, given }));
  expect(noted).toContain('job.secrets');
  expect(noted).not.toContain('the word');
});

function flipped(sealed: string): string {
  const bytes = Buffer.from(sealed.slice(3), 'base64url');
  bytes[14]! ^= 1;
  return `v1.${bytes.toString('base64url')}`;
}
