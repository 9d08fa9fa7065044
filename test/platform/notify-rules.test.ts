import { describe, expect, it } from 'vitest';
import { notifyRules } from '../../src/platform/notify-rules.ts';
import { type Failed, Malformed } from '../../src/protocol/errors.ts';

const where = (allow: readonly string[], url: string): Promise<string> =>
  notifyRules(allow)
    .addressOf(new URL(url))
    .catch((error: Failed) => error.failure.code);

describe('whom changes are told', () => {
  const lan = ['10.0.0.0/8:8080', '[fd00::]/8:*', '192.0.2.7:443'];
  it.each([
    ['nobody, where nobody is listed', [], 'http://10.1.2.3/', 'forbidden'],
    ['an address of a network', lan, 'http://10.99.0.1:8080/x', '10.99.0.1'],
    ['not at another port', lan, 'http://10.99.0.1/x', 'forbidden'],
    ['nor of another network', lan, 'http://11.0.0.1:8080/', 'forbidden'],
    ['an address of version 6 at any port', lan, 'http://[fd00::9]:5/', 'fd00::9'],
    ['the usual port of https', lan, 'https://192.0.2.7/', '192.0.2.7'],
    ['not that of http', lan, 'http://192.0.2.7/', 'forbidden'],
    ['an address however it is written', lan, 'http://0x0a.1:8080/', '10.0.0.1'],
    ['this machine as an address', ['127.0.0.1:80'], 'http://localhost/', '127.0.0.1'],
    ['not this machine by name', ['LocalHost:80'], 'http://localhost/', 'forbidden'],
    ['nor by another of its addresses', ['127.0.0.1:80'], 'http://127.0.0.2/', 'forbidden'],
    ['nor as one of version 6', ['0.0.0.0/0:80'], 'http://[::1]/', 'forbidden'],
    [
      'all of version 4 as version 6 has it',
      ['0.0.0.0/0:80'],
      'http://[::ffff:a01:2]/',
      '::ffff:a01:2',
    ],
    ['no name that nobody knows', ['no.such.invalid:80'], 'http://no.such.invalid/', 'unreachable'],
    ['no name that is not listed', ['a.invalid:80'], 'http://b.invalid:80/', 'unreachable'],
    ['nobody looks up where no port fits', ['a.invalid:80'], 'http://a.invalid:81/', 'forbidden'],
  ])('%s', async (_, allow, url, address) => {
    expect(await where(allow, url)).toBe(address);
  });

  it.each(['example.org', '10.0.0.0/33:80', 'hub/8:80', ':80', 'a:65536', 'a:', '10.0.0.0/8/8:1'])(
    'is not said by %s',
    (entry) => {
      expect(() => notifyRules([entry])).toThrow(Malformed);
    },
  );
});
