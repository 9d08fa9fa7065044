import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { file, folder, forAll } from '../e2e/lab.ts';
import { isEnded } from '../e2e/waiter.ts';
import { type Person, type Place, restPlace } from './rest-place.ts';

const big = randomBytes(300_000);

type Lab = Place & { readonly data: string };

/** Ann's files are read as nobody, who may read some; bob has no account here. */
const place = forAll(async (): Promise<Lab> => {
  const data = join(await folder(), 'data');
  await mkdir(data, { mode: 0o755 });
  await file(join(data, 'in.txt'), 'alpha\n');
  await file(join(data, 'big'), big, 0o640);
  execFileSync('chown', ['nobody', join(data, 'big')]);
  await file(join(data, 'run.sh'), '#!/bin/sh\necho ran\n', 0o755);
  await file(join(data, 'secret'), 'of root', 0o600);
  await symlink('secret', join(data, 'link'));
  await symlink('in.txt', join(data, 'open-link'));
  execFileSync('mkfifo', [join(data, 'pipe')]);
  await mkdir(join(data, 'closed'));
  await file(join(data, 'closed', 'x'), 'x');
  await chmod(join(data, 'closed'), 0o700);
  await mkdir(join(data, 'tree', 'deep'), { recursive: true });
  await file(join(data, 'tree', 'a'), 'a');
  await file(join(data, 'tree', 'deep', 'b'), 'b');
  const config = { inputs: { accounts: { ann: 'nobody' } }, jobs: { relocate: 'asked' } };
  const path = await file(join(data, '..', 'swm.yaml'), JSON.stringify(config));
  return { ...(await restPlace(['--config', path])), data };
});

const script = (inputs: readonly string[], ...lines: readonly string[]): string =>
  ['#!/bin/sh', `#SWM input-files ${inputs.join(' ')}`, ...lines, ''].join('\n');

const submit = (who: Person, body: string, path = '/user/job') =>
  place().ask(who, path, { method: 'POST', body });

/** Only root may become somebody else, as in all of CI. */
const asRoot = describe.runIf(process.getuid?.() === 0);

asRoot('input files on the own disk of a head', { timeout: 60_000 }, () => {
  it.each(['/user/job', '/v1/jobs'])('come to a job by POST %s', async (path) => {
    const { ask, ann, node, data } = place();
    const named = ['in.txt', 'big', 'r*.sh', 'tree', 'open-link'].map((each) => join(data, each));
    const lines = ['cat in.txt open-link', './run.sh', 'sha256sum <big', 'cat tree/a tree/deep/b'];
    const answer = await submit(ann, script(named, ...lines), path);
    expect([200, 201]).toContain(answer.status);
    const id = path === '/user/job' ? answer.text : (answer.json() as { id: string }).id;
    expect(await node.until(id, isEnded)).toMatchObject({ state: 'F', exitcode: 0 });
    const sum = createHash('sha256').update(big).digest('hex');
    const said = (await ask(ann, `/user/job/${id}/stdout`)).text;
    expect(said).toBe(`alpha\nalpha\nran\n${sum}  -\nab`);
  });

  it.each([
    ['secret', 'secret: Permission denied, as the account nobody'],
    ['link', 'link: Permission denied, as the account nobody'],
    ['closed/x', 'closed/x: Permission denied, as the account nobody'],
    ['closed', 'closed: Permission denied, as the account nobody'],
    ['closed/*', 'closed/* matches no file'],
    ['gone', 'gone: No such file or directory, as the account nobody'],
    ['pipe', 'pipe is neither a file nor a folder'],
  ])('%s is not read: %s', async (name, why) => {
    const { ann, data } = place();
    const answer = await submit(ann, script([join(data, name)]));
    expect(answer.status).toBe(422);
    expect(answer.json()).toMatchObject({
      error: expect.stringContaining(`input-files: ${data}/${why}`),
      code: 'missing_input',
    });
  });

  it('are read for nobody who has no account there, not even for operators', async () => {
    const { admin, bob, data } = place();
    for (const who of [bob, admin]) {
      const answer = await submit(who, script([join(data, 'in.txt')]));
      expect(answer.json()).toMatchObject({
        error: `input file ${join(data, 'in.txt')} was not uploaded`,
      });
    }
  });

  it('are looked for where the account is at home, unless they say it whole', async () => {
    const answer = await submit(place().ann, script(['no-such-file']));
    expect(answer.json()).toMatchObject({
      error: 'input-files: no-such-file: No such file or directory, as the account nobody',
    });
  });
});
