import { describe, expect, it } from 'vitest';
import { outRules, submitterAt } from '../../src/platform/out-rules.ts';
import { type Failed, Malformed } from '../../src/protocol/errors.ts';

const where = (rules: readonly string[], host: string, submitter: string): Promise<string> =>
  outRules(rules)
    .addressOf(host, submitter)
    .catch((error: Failed) => error.failure.code);

describe('where jobs may reach out to', () => {
  const usual = ['submitter'];
  const lan = ['10.0.0.0/8', 'fd00::/8', '192.0.2.7'];
  it.each([
    ['its submitter', usual, '10.1.2.3', '10.1.2.3', '10.1.2.3'],
    ['nobody else', usual, '10.1.2.4', '10.1.2.3', 'forbidden'],
    ['the head itself, from there', usual, '127.0.0.1', '127.0.0.1', '127.0.0.1'],
    ['the head itself by another of its addresses', usual, '127.8.8.8', '127.0.0.1', '127.8.8.8'],
    ['the head itself by name', usual, 'localhost', '::1', expect.stringMatching(/^(127|::1)/)],
    ['not the head from elsewhere', usual, '127.0.0.1', '10.1.2.3', 'forbidden'],
    ['nor by a name', usual, 'localhost', '10.1.2.3', 'forbidden'],
    ['nor as an address of version 6', ['*'], '::ffff:127.0.0.1', '10.1.2.3', 'forbidden'],
    ['nor as all addresses', ['*'], '0.0.0.0', '10.1.2.3', 'forbidden'],
    ['nor as all addresses of version 6', ['*'], '::', '10.1.2.3', 'forbidden'],
    ['not the head by *', ['*'], '127.0.0.1', '127.0.0.1', 'forbidden'],
    ['anybody by *', ['*'], '198.51.100.1', '', '198.51.100.1'],
    ['a network', lan, '10.99.0.1', '', '10.99.0.1'],
    ['no other', lan, '11.0.0.1', '11.0.0.1', 'forbidden'],
    ['a network of version 6', lan, 'fd00::9', '', 'fd00::9'],
    ['one address', lan, '192.0.2.7', '', '192.0.2.7'],
    ['a name', ['LocalHost'], 'localhost', '', expect.stringMatching(/^(127|::1)/)],
    ['a loopback address that is listed', ['127.0.0.1'], '127.0.0.1', '10.1.2.3', '127.0.0.1'],
    ['nothing, where nothing is listed', [], '10.1.2.3', '10.1.2.3', 'forbidden'],
    ['nothing that is not known', usual, '', '', 'forbidden'],
    ['no name that nobody knows', ['*'], 'no.such.name.invalid', '', 'unreachable'],
  ])('%s', async (_, rules, host, submitter, address) => {
    expect(await where(rules, host, submitter)).toEqual(address);
  });

  it.each(['10.0.0.0/33', '10.0.0.0/x', 'hub/8', '10.0.0.0/8/8', '10.0.0.0/'])(
    'is not said by %s',
    (entry) => {
      expect(() => outRules([entry])).toThrow(Malformed);
    },
  );

  it('is told by each head of its own machine', () => {
    expect(submitterAt('::ffff:10.1.2.3', 'h')).toBe('10.1.2.3');
    expect(submitterAt('::ffff:127.0.0.1', 'h')).toBe('127.0.0.1@h');
    expect(submitterAt('::1', 'h')).toBe('::1@h');
    expect(submitterAt('', 'h')).toBe('');
  });
});
