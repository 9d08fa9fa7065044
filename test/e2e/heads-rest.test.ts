import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { type Answer, type Asked, askOnce } from '../api/rest-place.ts';
import type { HeadProcess } from '../chaos/group.ts';
import { heads, untilJob } from './heads.ts';
import { forAll, until } from './lab.ts';
import { isEnded } from './waiter.ts';

describe('requests to any of three heads', { timeout: 90_000 }, () => {
  const place = forAll(async () => {
    const group = await heads();
    const read = (flag: string): Promise<string> => {
      const args = group.place();
      return readFile(args[args.indexOf(flag) + 1] ?? '', 'utf8');
    };
    const [cert, key, chain] = await Promise.all(['--cert', '--key', '--ca'].map(read));
    const who = { cert: cert ?? '', key: key ?? '' };
    const ask = (head: HeadProcess, path: string, asked: Asked = {}): Promise<Answer> => {
      const { hostname: host, port } = new URL(head.url);
      return askOnce({ host, port: Number(port), chain: chain ?? '' }, who, path, asked);
    };
    return { group, ask };
  });

  it('lead an operator’s shell from any of them to any other', async () => {
    const { group } = place();
    const leader = await group.leader();
    for (const head of group.heads) {
      const client = group.client([head]);
      for (const { name } of group.heads) {
        const shell = await client.shell({ node: name });
        expect(shell.node).toBe(name);
        const role = leader.name === name ? 'leader' : 'follower';
        expect((await shell.run('(await raft()).role')).text).toBe(`'${role}'`);
        // Its calls are answered there, on behalf of whoever asks.
        expect((await shell.run('(await node.status()).node')).text).toBe(`'${name}'`);
        shell.close();
      }
    }
  });

  it('are answered by all alike, and when the one that leads is lost', async () => {
    const { group, ask } = place();
    const leader = await group.leader();
    const others = group.heads.filter((head) => head !== leader);
    for (const head of group.heads) {
      const script = '#!/bin/sh\necho said\n';
      const { status, text: id } = await ask(head, '/user/job', { method: 'POST', body: script });
      expect(status).toBe(200);
      await untilJob(group.client(), id, isEnded);
      for (const other of group.heads) {
        expect((await ask(other, `/user/job/${id}`)).json()).toMatchObject({ id, state: 'F' });
        expect((await ask(other, `/user/job/${id}/stdout`)).text).toBe('said\n');
        expect((await ask(other, `/v1/jobs/${id}/events`)).text).toContain('"phase":"ended"');
        expect((await ask(other, '/ready')).status).toBe(200);
      }
    }
    const [listed, again] = await Promise.all(others.map((head) => ask(head, '/user/job')));
    expect(listed?.text).toBe(again?.text);
    const { text } = await ask(others[0]!, '/user/job', { method: 'DELETE' });
    expect(text).toMatch(/^Purged 3 job\(s\): /);
    expect((await ask(others[1]!, '/user/job')).text).toBe('[]');
    await leader.signal('SIGKILL');
    // It waits until another one leads.
    const submitted = await ask(others[1]!, '/user/job', { method: 'POST', body: '#!/bin/sh\n' });
    expect([submitted.status, submitted.text]).toEqual([
      200,
      expect.stringMatching(/^[0-9a-f-]{36}$/),
    ]);
    await until(async () => (await ask(others[0]!, '/ready')).status === 200);
  });
});
