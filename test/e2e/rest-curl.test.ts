import { execFile, execFileSync } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { dev, file, folder, forAll } from './lab.ts';
import { needPackages } from './packages.ts';
import { isEnded } from './waiter.ts';

const older = join(import.meta.dirname, '..', 'fixtures', 'older-pki');
const run = promisify(execFile);

/** Lays out keys as older software does, and has openssl make those of one more user. */
async function keys(spool: string): Promise<void> {
  const secure = join(spool, 'secure');
  const put = async (from: string, ...to: readonly string[]): Promise<void> => {
    await mkdir(join(secure, ...to.slice(0, -1)), { recursive: true, mode: 0o700 });
    cpSync(join(older, from), join(secure, ...to));
  };
  await put('cluster.pem', 'cluster', 'cert.pem');
  await put('cluster-key.pem', 'cluster', 'private', 'key.pem');
  await put('ca-chain-cert.pem', 'cluster', 'ca-chain-cert.pem');
  await put('user.pem', 'users', 'demo1', 'cert.pem');
  await put('user-key.pem', 'users', 'demo1', 'key.pem');
  const ann = join(secure, 'users', 'ann');
  await mkdir(ann, { mode: 0o700 });
  const name = `[name]\ncommonName = ann\n0.2.5.29.17 = ${crypto.randomUUID()}\n`;
  const request = '[req]\nprompt = no\ndistinguished_name = name\n';
  const config = await file(join(ann, 'openssl.cnf'), request + name);
  const openssl = (...args: readonly string[]): void =>
    void execFileSync('openssl', args, { cwd: ann, stdio: 'ignore' });
  openssl(
    'req',
    '-new',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    'key.pem',
    '-out',
    'ann.csr',
    '-config',
    config,
  );
  const by = ['-CA', join(older, 'cluster.pem'), '-CAkey', join(older, 'cluster-key.pem')];
  openssl(
    'x509',
    '-req',
    '-in',
    'ann.csr',
    ...by,
    '-set_serial',
    '7',
    '-days',
    '2',
    '-out',
    'cert.pem',
  );
}

const place = forAll(async () => {
  needPackages({ curl: 'curl', openssl: 'openssl' });
  const home = await folder();
  const spool = join(home, 'spool');
  await keys(spool);
  const node = await dev(spool);
  const text = await readFile(join(spool, 'run', 'node.json'), 'utf8');
  const { terminal } = JSON.parse(text) as { readonly terminal: { readonly port: number } };
  // The name of the server is checked, as all clients do.
  const url = `https://localhost:${terminal.port}`;
  const curl = async (user: string, path: string, ...args: readonly string[]): Promise<string> => {
    const of = join(spool, 'secure', 'users', user);
    const who = ['--cert', join(of, 'cert.pem'), '--key', join(of, 'key.pem')];
    const believed = [
      '--cacert',
      join(older, 'ca-chain-cert.pem'),
      '-H',
      'Authorization: Bearer swm',
    ];
    const how = ['-sS', '-m', '5', '--http1.1', '-w', '\n%{http_code}'];
    return (await run('curl', [...how, ...believed, ...who, ...args, url + path])).stdout;
  };
  return { home, node, curl };
});

describe('curl with certificates of an older installation', { timeout: 60_000 }, () => {
  it.each(['demo1', 'ann'])('submits, looks, reads and purges as %s', async (user) => {
    const { home, node, curl } = place();
    const script = await file(
      join(home, `${user}.job`),
      `#!/bin/sh\n#SWM name of ${user}\necho ${user}\n`,
    );
    for (const version of ['1.2', '1.3']) {
      const tls = ['--tls-max', version];
      expect(await curl(user, '/user', ...tls)).toBe('{"api_version":1}\n200');
      const raw = await curl(user, '/user/job', ...tls, '--data-binary', `@${script}`);
      const inForm = await curl(user, '/user/job', ...tls, '-F', `script_content=<${script}`);
      for (const answer of [raw, inForm]) {
        const [id = '', status] = answer.split('\n');
        expect(status).toBe('200');
        await node.until(id, isEnded);
        expect(await curl(user, `/user/job/${id}/stdout`, ...tls)).toBe(`${user}\n\n200`);
        const shown = JSON.parse((await curl(user, `/user/job/${id}`, ...tls)).slice(0, -4));
        expect(shown).toMatchObject({
          ...{ id, state: 'F', name: `of ${user}`, exitcode: 0 },
          script_content: readFileSync(script, 'utf8'),
        });
      }
    }
    expect(await curl(user, '/user/job', '-X', 'DELETE')).toMatch(/^Purged 4 job\(s\): .*\n200$/);
    expect(await curl(user, '/user/job')).toBe('[]\n200');
  });
});
