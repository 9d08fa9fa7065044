import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fingerprintOf, readHostKey } from '../../../src/platform/ssh/host-key.ts';
import { commandLine, quote } from '../../../src/platform/ssh/quote.ts';

const word = fc.string({ unit: fc.constantFrom(...'a $`"\'\\!*?~#&;|<>(){}[]=\n\t-%ü', '€') });

it('any words are read back by a shell as they are', () => {
  const line = fc.array(fc.array(word, { maxLength: 5 }), { minLength: 40, maxLength: 40 });
  fc.assert(
    fc.property(line, (commands) => {
      const script = commands.map((words) => commandLine(['printf', '<%s>', '-', ...words]));
      for (const shell of ['sh', 'bash']) {
        const said = execFileSync(shell, ['-c', script.join('\n')], { encoding: 'utf8' });
        const wanted = commands.flatMap((words) => ['-', ...words]);
        expect(said).toBe(wanted.map((each) => `<${each}>`).join(''));
      }
    }),
    { numRuns: 20 },
  );
  expect(quote('/opt/swm')).toBe('/opt/swm');
  expect(() => quote('a\0b')).toThrow('zero byte');
});

it('a host key is read as people have it, and nothing else is taken for one', () => {
  const key = Buffer.concat([Buffer.from('\0\0\0\x0bssh-ed25519'), Buffer.alloc(36, 7)]);
  const known = { fingerprint: fingerprintOf(key), type: 'ssh-ed25519' };
  const text = `ssh-ed25519 ${key.toString('base64')}`;
  for (const each of [text, `${text} root@host\n`, `host.example.org ${text}`])
    expect(readHostKey(each, 'at')).toEqual(known);
  expect(readHostKey(known.fingerprint, 'at')).toEqual({ ...known, type: '' });
  for (const each of ['', 'SHA256:short', `ssh-rsa ${key.toString('base64')}`, 'MD5:aa:bb'])
    expect(() => readHostKey(each, '$.hostKey')).toThrow('$.hostKey');
});
