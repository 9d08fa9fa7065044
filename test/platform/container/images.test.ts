import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ImageLogin } from '../../../src/actors/ports.ts';
import { credentialsFrom, registryOf } from '../../../src/platform/container/credentials.ts';
import { engineFinder } from '../../../src/platform/container/engine.ts';
import { openImages } from '../../../src/platform/container/images.ts';
import { Failed } from '../../../src/protocol/errors.ts';
import { open } from '../../ports/processes.suite.ts';
import { startDockerd } from './dockerd.ts';
import type { RealEngine } from './real-engine.ts';
import { ANN, type Registry, startRegistry } from './registry.ts';

const MIB = 1 << 20;

describe('an image', () => {
  let engine: RealEngine;
  let registry: Registry;
  const folder = mkdtempSync(join(tmpdir(), 'swm-images-'));
  const file = join(folder, 'config.json');

  beforeAll(async () => {
    engine = await startDockerd();
    writeFileSync(join(folder, 'noise'), randomBytes(3 * MIB));
    execFileSync('tar', ['-C', folder, '-cf', join(folder, 'noise.tar'), 'noise']);
    registry = await startRegistry([readFileSync(join(folder, 'noise.tar'))]);
  });
  afterAll(async () => {
    await registry.end();
    await engine.end();
    rmSync(folder, { recursive: true });
  });
  beforeEach(async () => {
    Object.assign(registry, { fault: 'none', isClosed: false, half: Promise.resolve() });
    registry.asked.length = 0;
    const auth = Buffer.from(`${ANN.username}:${ANN.password}`).toString('base64');
    writeFileSync(file, JSON.stringify({ auths: { [registry.host]: { auth } } }));
    chmodSync(file, 0o600);
  });
  afterEach(async () => {
    const image = engine.docker.getImage(registry.image);
    await image.remove().catch(() => {});
  });

  const bring = (
    image: string,
    credentials = '',
    progress = (_d: number, _t: number) => {},
    login?: ImageLogin,
  ) =>
    openImages(engineFinder(engine.socket), credentialsFrom(credentials)).bring(
      image,
      progress,
      open,
      login,
    );
  const failureOf = async (brought: Promise<void>) => {
    const error = await brought.then(
      () => 'brought',
      (why) => why,
    );
    if (!(error instanceof Failed)) throw new Error(`no failure: ${error}`);
    return error.failure;
  };
  const failure = (image: string, credentials?: string) => failureOf(bring(image, credentials));
  const bringBy = (text: string) => bring(registry.image, file, () => {}, { name: 'mine', text });

  it('is pulled once, and tells how far it is', async () => {
    const half = Promise.withResolvers<void>();
    registry.half = half.promise;
    const told: number[] = [];
    await bring(registry.image, '', (done, total) => {
      told.push(done / total);
      if (done > 0) half.resolve();
    });
    expect(told.every((part) => part >= 0 && part < 1)).toBe(true);
    expect(told.some((part) => part > 0 && part < 0.6)).toBe(true);
    expect(told.at(-1)).toBeGreaterThan(0.9);
    expect((await engine.docker.getImage(registry.image).inspect()).Id).toMatch(/^sha256:/);
    registry.asked.length = 0;
    await bring(registry.image);
    expect(registry.asked).toEqual([]);
  });

  it('is pulled by the credentials of its registry, and by no others', async () => {
    registry.isClosed = true;
    const refused = await failure(registry.image);
    expect(refused).toMatchObject({ code: 'no_image', retry: false });
    const mend = `is ${registry.host} in the node's containers.credentials?`;
    expect(refused.text).toContain(mend);
    await bring(registry.image, file);
    writeFileSync(file, JSON.stringify({ auths: { 'other:1': { auth: 'YTpi' } } }));
    await engine.docker.getImage(registry.image).remove();
    expect((await failure(registry.image, file)).text).toContain(mend);
    expect(JSON.stringify(refused)).not.toContain(ANN.password);
  });

  it('is pulled by the secret of its job, and by no file then', async () => {
    registry.isClosed = true;
    for (const text of [`${ANN.username}:${ANN.password}`, readFileSync(file, 'utf8')]) {
      await bringBy(text);
      await engine.docker.getImage(registry.image).remove();
    }
    for (const text of ['ann:other', '{"auths": {}}']) {
      const refused = await failureOf(bringBy(text));
      expect(refused).toMatchObject({ code: 'no_image', retry: false });
      expect(refused.text).toContain(`; is ${registry.host} in the secret mine of the job?`);
      expect(refused.text).not.toContain(text);
    }
  });

  it.each(['ann', ':word', 'ann:', '{"auths": 1}'])(
    'of a job whose secret is %j is not asked for',
    async (text) => {
      const why = 'the secret mine is neither USER:PASSWORD nor as `docker login` writes it';
      const told = { code: 'no_image', retry: false, text: `container-login: ${why}` };
      expect(await failureOf(bringBy(text))).toMatchObject(told);
      expect(registry.asked).toEqual([]);
    },
  );

  it.each([
    ['{"auths": 1}', 0o600, 'is not as `docker login` writes it'],
    ['{', 0o600, 'is not JSON'],
    ['{"auths": {}}', 0o644, 'can be read by others: chmod 600 it'],
  ])('whose credentials are %j, with %o, is not pulled', async (text, mode, why) => {
    writeFileSync(file, text);
    chmodSync(file, mode);
    const told = { code: 'start_failed', text: `containers.credentials: ${file} ${why}` };
    expect(await failure(registry.image, file)).toMatchObject(told);
    expect(registry.asked).toEqual([]);
  });

  it('that the registry does not know is not asked for again', async () => {
    const { code, retry, text } = await failure(`${registry.host}/tests/image:2`);
    expect([code, retry]).toEqual(['no_image', false]);
    expect(text).toMatch(/tests\/image:2 cannot be pulled: .*manifest unknown/);
  });

  it.each(['cut', 'cut layers', 'ill'] as const)(
    'whose registry is %s may be had later',
    async (fault) => {
      registry.fault = fault;
      expect(await failure(registry.image)).toMatchObject({ code: 'no_image', retry: true });
      registry.fault = 'none';
      await bring(registry.image);
    },
  );

  it('that nobody wants any more is not pulled on', async () => {
    registry.half = new Promise(() => {});
    const ear = new AbortController();
    const images = openImages(engineFinder(engine.socket), credentialsFrom(''));
    const first = Promise.withResolvers<void>();
    const brought = images.bring(registry.image, (done) => done > 0 && first.resolve(), ear.signal);
    await first.promise;
    ear.abort(new Error('enough'));
    await expect(brought).rejects.toThrow('enough');
  });
});

describe('a name of an image', () => {
  it.each([
    ['debian', 'docker.io'],
    ['library/debian:12', 'docker.io'],
    ['quay.io/a/b:1', 'quay.io'],
    ['localhost/a', 'localhost'],
    ['10.0.0.1:5000/a@sha256:0f', '10.0.0.1:5000'],
  ])('%s is of the registry %s', (image, registryHost) => {
    expect(registryOf(image)).toBe(registryHost);
  });
});
