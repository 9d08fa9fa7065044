import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { cleanup, dev, folder, until } from './lab.ts';
import { isEnded, waiter } from './waiter.ts';

type Told = { readonly id: string; readonly seq: number; readonly state: string };

it('changes of a job are told, signed and in their order, also those of before a crash', {
  timeout: 150_000,
}, async () => {
  let isUp = true;
  let tries = 0;
  const got: { readonly told: Told; readonly body: string; readonly signature: string }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => (body += part));
    request.on('end', () => {
      tries += 1;
      if (!isUp) return void response.writeHead(503).end();
      const signature = String(request.headers['swm-signature']);
      got.push({ told: JSON.parse(body) as Told, body, signature });
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanup(async () => void server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo;
  const letters = (id: string): string => {
    const own = got.filter(({ told }) => told.id === id);
    // A change may come twice, never out of turn.
    const seqs = own.map(({ told }) => told.seq);
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
    return [...new Map(own.map(({ told }) => [told.seq, told.state])).values()].join('');
  };

  const home = await folder();
  const spool = join(home, 'spool');
  const args = ['--set', `notify.allow=["127.0.0.1:${port}"]`, '--set', 'jobs.relocate=asked'];
  const before = await dev(spool, args);
  await expect(before.submit('#!/bin/sh\n#SWM notify http://127.0.0.1:1/\n')).rejects.toThrow(
    '127.0.0.1:1 is none of what `notify.allow` of the head lets jobs tell',
  );
  const job = await waiter(home, `notify http://127.0.0.1:${port}/hook`);
  const id = await before.submit(job.script);
  await until(() => letters(id).endsWith('R'));
  expect(letters(id)).toBe('QWTWR');

  // Nobody takes the end before the head is gone.
  isUp = false;
  const triedBefore = tries;
  await job.go();
  await before.until(id, isEnded);
  const cancelled = await before.submit(
    `#!/bin/sh\n#SWM hold\n#SWM notify http://127.0.0.1:${port}\n`,
  );
  await before.run('cancel', cancelled);
  await until(() => tries > triedBefore);
  await before.kill('SIGKILL');
  isUp = true;
  await dev(spool, args);
  await until(() => letters(id) === 'QWTWRTF' && letters(cancelled) === 'QC', 80);

  const last = got.findLast(({ told }) => told.id === id);
  expect(last?.told).toMatchObject({ exitcode: 3, phase: 'releasing', attempt: 1, run: 1 });
  const key = (await readFile(join(spool, 'secure', 'notify.key'), 'utf8')).trim();
  for (const { body, signature } of got)
    expect(signature).toBe(`sha256=${createHmac('sha256', key).update(body).digest('hex')}`);
  expect(await job.starts()).toBe(1);
});
