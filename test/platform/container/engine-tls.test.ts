import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Docker from 'dockerode';
import type { ContainerCreateOptions } from 'dockerode';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engineFinder } from '../../../src/platform/container/engine.ts';
import { checkSameMachine } from '../../../src/platform/container/same-machine.ts';
import { open, someKey } from '../../ports/processes.suite.ts';
import { startDockerd } from './dockerd.ts';
import { ContainerPlace } from './place.ts';
import type { RealEngine } from './real-engine.ts';

const folder = mkdtempSync(join(tmpdir(), 'swm-tls-'));
const at = (name: string): string => join(folder, name);
const openssl = (...words: readonly string[]): void =>
  void execFileSync('openssl', words, { cwd: folder, stdio: 'ignore' });

/** An authority, and what it has signed for an engine and for who may use it. */
function makeKeys(authority: string, ...names: readonly string[]): void {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout'];
  const about = (name: string) => ['-out', `${name}.pem`, '-subj', `/CN=${name}`, '-days', '2'];
  openssl('req', '-x509', ...key, `${authority}.key`, ...about(authority));
  const by = ['-CA', `${authority}.pem`, '-CAkey', `${authority}.key`];
  for (const name of names)
    openssl(
      'req',
      '-x509',
      ...key,
      `${name}.key`,
      ...about(name),
      ...by,
      '-addext',
      'subjectAltName=IP:127.0.0.1',
    );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

afterAll(() => rmSync(folder, { recursive: true }));

describe('an engine by TCP', () => {
  let engine: RealEngine;
  let url: string;
  beforeAll(async () => {
    makeKeys('authority', 'engine', 'swm');
    makeKeys('other', 'stranger');
    mkdirSync(at('hidden'));
    const port = await freePort();
    url = `https://127.0.0.1:${port}`;
    engine = await startDockerd({ hides: at('hidden') }, [
      `--host=tcp://127.0.0.1:${port}`,
      ...['--tlsverify', `--tlscacert=${at('authority.pem')}`],
      ...[`--tlscert=${at('engine.pem')}`, `--tlskey=${at('engine.key')}`],
    ]);
  });
  afterAll(() => engine.end());
  const finder = (name: string, ca = 'authority', inside = folder) => {
    const files = { ca: at(`${ca}.pem`), cert: at(`${name}.pem`), key: at(`${name}.key`) };
    return engineFinder('', { url, folder: inside, ...files });
  };

  it('runs jobs', async () => {
    const place = new ContainerPlace(engine, { find: finder('swm') });
    const processes = await place.open();
    const key = someKey();
    await processes.ensure(place.order(key, { is: 'exits', code: 5 }));
    expect(await processes.exited(key, open)).toMatchObject({ code: 5, lost: false });
    await place.clear();
  });

  it('is used by those alone whom it knows, and who know it', async () => {
    const cannot = `the container engine at ${url} cannot be used: `;
    await expect(finder('stranger')()).rejects.toThrow(cannot);
    await expect(finder('swm', 'other')()).rejects.toThrow(cannot);
    await expect(finder('none')()).rejects.toThrow(`${cannot}ENOENT`);
  });

  it('is not used where it has other files', async () => {
    await expect(finder('swm', 'authority', at('hidden'))()).rejects.toThrow(
      'it does not see the files and processes of this machine',
    );
  });
});

describe('an engine that is asked what it sees', () => {
  const NO_IMAGE = 404;
  const NO_FILE = 400;
  const check = (answer: (path: string) => number): Promise<void> => {
    const createContainer = async ({ HostConfig }: ContainerCreateOptions) => {
      const path = HostConfig?.Mounts?.[0]?.Source ?? '';
      throw Object.assign(new Error('no'), { statusCode: answer(path) });
    };
    return checkSameMachine({ createContainer } as unknown as Docker, folder);
  };
  const isThere = (path: string): number => (existsSync(path) ? NO_IMAGE : NO_FILE);

  it.each([
    ['processes', (path: string) => (path.startsWith('/proc') ? NO_FILE : isThere(path))],
    ['files', (path: string) => (path.startsWith('/proc') ? isThere(path) : NO_FILE)],
    ['manners', () => NO_IMAGE],
  ])('is not used if it has other %s', async (_, answer) => {
    await expect(check(answer)).rejects.toThrow('it does not see the files and processes');
  });

  it('is used if it has the same, and nothing is left of the question', async () => {
    const asked: string[] = [];
    await check((path) => {
      asked.push(path);
      return isThere(path);
    });
    expect(asked.map(isThere)).toEqual([NO_FILE, NO_FILE, NO_FILE]);
  });
});
