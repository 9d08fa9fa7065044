import { afterEach, describe, expect, it } from 'vitest';
import { auditedBy } from '../../src/api/audited.ts';
import { serveShells } from '../../src/api/shell/shell.ts';
import { type Client, connect } from '../../src/client/client.ts';
import type { Shell, ShellOptions } from '../../src/client/shell.ts';
import type { Failed } from '../../src/protocol/errors.ts';
import { limits } from '../../src/protocol/limits.ts';
import type { AuditRow } from '../../src/protocol/user-shapes.ts';
import type { Level } from '../../src/runtime/ports.ts';
import { head, refusal } from '../client/head.ts';
import { pipe, until, user } from '../client/pipe.ts';

let clients: Client[] = [];
afterEach(() => {
  for (const client of clients) client.close();
  clients = [];
});

function world(operator = true) {
  const rows: AuditRow[] = [];
  let level: Level = 'info';
  const noted = (row: AuditRow) => void rows.push(row);
  const door = head({
    play: ({ message: { name } }) =>
      name === 'job.list'
        ? { jobs: [{ id: 'a' }], revision: 7 }
        : name === 'node.drain'
          ? {}
          : refusal('not_found', 'no such thing'),
    operator,
    serve: (hub) => hub.serve('shell', shells),
  });
  const shells = serveShells({
    node: door.node,
    links: () => ['w2', 'w1'],
    raft: () => ({ term: 3, token: 'very secret' }) as never,
    level: (wanted = level) => {
      level = wanted;
      return level;
    },
    noted,
    audited: auditedBy(noted, () => 5),
    now: () => 4,
  });
  const client = connect({ open: pipe(door.take).open, callMs: 10_000 });
  clients.push(client);
  return { ...door, rows, client };
}

const opened = async (options: ShellOptions = {}) => {
  const made = world();
  return { ...made, shell: await made.client.shell(options) };
};

const said = async (shell: Shell, ...lines: readonly string[]): Promise<string[]> => {
  const answers: string[] = [];
  for (const line of lines) {
    const { is, text } = await shell.run(line);
    answers.push(is === 'value' ? text : `${is}: ${text}`);
  }
  return answers;
};

describe('a shell', () => {
  it('keeps what is named, waits for what is to come, and knows what is not whole', async () => {
    const { shell } = await opened();
    expect(shell.node).toBe('head-1');
    expect(await said(shell, '1 + 1', 'let a = 4', 'a * 2', '_ + 1', '{ b: a }')).toEqual([
      '2',
      '',
      '8',
      '9',
      '{ b: 4 }',
    ]);
    expect(await said(shell, 'const jobs = await job.list()', 'jobs.revision')).toEqual(['', '7']);
    expect(await said(shell, 'links()', 'await links()')).toEqual([
      "[ 'w1', 'w2' ]",
      "[ 'w1', 'w2' ]",
    ]);
    expect(await said(shell, 'const b = await links(', '(await links(', 'if (1) { await')).toEqual([
      'more: ',
      'more: ',
      'more: ',
    ]);
    expect(await said(shell, '(await links()).length;', '{ let c = 3; c }', '1; await 2')).toEqual([
      '2',
      '3',
      expect.stringMatching(/^error: SyntaxError: await stands/),
    ]);
    expect(await said(shell, '[1,', 'f(1', '`a', 'f(1 2)', 'x.y')).toEqual([
      'more: ',
      'more: ',
      'more: ',
      'error: SyntaxError: missing ) after argument list',
      'error: ReferenceError: x is not defined',
    ]);
  });

  it('shows the actors that live, by copies without secrets', async () => {
    const { shell, node } = await opened();
    await said(shell, 'await job.list()');
    const session = [...node.routes.living].find(({ path }) => /shell/.test(path))?.path;
    expect(await said(shell, '(await tree("/sessions")).map((row) => row.path)')).toEqual([
      expect.stringContaining(`'${session}'`),
    ]);
    const [shown] = await said(shell, `actor("${session}")`);
    expect(shown).toContain("phase: 'open'");
    expect(shown).toContain('crashes: []');
    expect(await said(shell, 'raft()')).toEqual(["{ term: 3, token: '[redacted]' }"]);
    expect(await said(shell, 'actor("/x")', 'store.get("/jobs/x")', 'mailboxes()')).toEqual([
      'error: Error: not_found: no actor lives at /x on head-1',
      'error: Error: not_found: nothing is kept under /jobs/x',
      '[]',
    ]);
    // What is changed there is the copy.
    await said(shell, `(await actor("${session}")).state.phase = "gone"`);
    expect(node.routes.find(String(session))?.state?.phase).toBe('open');
  });

  it('completes names, and the paths of actors that live', async () => {
    const { shell } = await opened();
    await said(shell, 'let mine = 1', 'globalThis.own = { deep: { er: 1 } }');
    expect(await shell.complete('await job.li')).toEqual({ of: 'job.li', names: ['job.list'] });
    expect(await shell.complete('own.deep.e')).toEqual({
      of: 'own.deep.e',
      names: ['own.deep.er'],
    });
    expect(await shell.complete("actor('/sess")).toMatchObject({
      of: '/sess',
      names: ['/sessions'],
    });
    expect((await shell.complete('nothing.')).names).toEqual([]);
  });

  it('changes nothing unless it was opened to write, and notes all that was typed', async () => {
    const { rows, told, shell } = await opened();
    const [refused, unknown] = await said(shell, 'node.drain({ node: "w1" })', 'secret.set');
    expect(refused).toMatch(/forbidden: node.drain changes something/);
    expect(unknown).toBe('');
    expect(told).toEqual([]);
    const writing = await opened({ write: true });
    expect(await said(writing.shell, 'node.drain({ node: "w1" })', 'node.drain({})')).toEqual([
      '{}',
      expect.stringMatching(/^error: .*\$\.node: is missing/),
    ]);
    expect(writing.told.map(({ who }) => who)).toEqual([{ door: 'operator', id: user.id }]);
    const row = { who: user.id, door: 'operator', from: '' };
    const line = { ...row, at: 4, what: 'shell', result: 'begun' };
    await said(shell, `'${'x'.repeat(limits.auditCharsMax)}'`);
    expect(rows.splice(2).map(({ of }) => of.length)).toEqual([limits.auditCharsMax, 2]);
    expect(rows.map(({ of }) => of)).toEqual(['node.drain({ node: "w1" })', 'secret.set']);
    expect(writing.rows).toEqual([
      { ...line, of: 'node.drain({ node: "w1" })' },
      { ...row, at: 5, what: 'node.drain', of: 'w1', result: 'done' },
      { ...line, of: 'node.drain({})' },
    ]);
  });

  it('has the log keep more or less, if it was opened to write', async () => {
    const { shell } = await opened();
    expect(await said(shell, 'log.level()', 'log.level("debug")')).toEqual([
      "'info'",
      'error: Error: forbidden: this shell was opened without --write',
    ]);
    const writing = await opened({ write: true });
    expect(await said(writing.shell, 'log.level("debug")', 'log.level()', 'log.level(1)')).toEqual([
      "'debug'",
      "'debug'",
      'error: Error: malformed: one of debug, info, warn, error',
    ]);
  });

  it('has nothing of Node, nor a way there', async () => {
    const { shell } = await opened();
    const names = ['process', 'require', 'fetch', 'setTimeout', 'Buffer', 'SharedArrayBuffer'];
    expect(await said(shell, ...names.map((name) => `typeof ${name}`))).toEqual(
      names.map(() => "'undefined'"),
    );
    const [direct, byError] = await said(
      shell,
      'tree.constructor("return process")()',
      'import("node:fs").catch((e) => typeof e.constructor.constructor("return process"))',
    );
    expect(direct).toMatch(/^error: EvalError/);
    expect(byError).not.toContain('function');
    await said(shell, 'tree = 1; job.list = 1');
    expect(await said(shell, 'typeof tree + typeof job.list')).toEqual(["'functionfunction'"]);
  });

  it('cuts off what computes for too long, or needs too much, and goes on', async () => {
    const { shell, client } = await opened();
    await said(shell, 'let kept = 1');
    expect(await said(shell, 'for (;;);', 'kept')).toEqual([
      expect.stringMatching(/^error: .*timed out/),
      '1',
    ]);
    // Its node answers others meanwhile.
    const endless = said(shell, '(async () => { await tree(); for (;;); })()', 'typeof kept');
    expect(await client.call('job.list', {})).toMatchObject({ revision: 7 });
    expect(await endless).toEqual([
      expect.stringMatching(/^error: cut off: it computed for too long/),
      "'undefined'",
    ]);
    const big = await said(shell, 'new Array(2 ** 26).fill(1.5).length', '1');
    expect(big).toEqual([expect.stringMatching(/^error: cut off/), '1']);
    expect((await said(shell, 'Promise.all(Array.from({ length: 999 }, () => tree()))'))[0]).toBe(
      'error: Error: too many questions',
    );
  });

  it('leaves what waits when it is interrupted', async () => {
    const { shell } = await opened();
    const waiting = said(shell, 'let a = 1', 'new Promise(() => {})');
    const again = setInterval(() => void shell.interrupt(), 50);
    expect(await waiting).toEqual(['', 'error: Error: interrupted']);
    clearInterval(again);
    expect(await said(shell, 'a')).toEqual(['1']);
  });

  it('is for operators, and for so many at once', async () => {
    const failed = (error: Failed): string => `${error.failure.code}: ${error.failure.text}`;
    const refused = await world(false).client.shell().catch(failed);
    expect(refused).toBe('forbidden: only operators may look inside a node');
    const { client, node, shell } = await opened();
    await said(shell, 'await job.list()');
    for (let more = 1; more < limits.shellsMax; more += 1) await client.shell();
    expect(await client.shell().catch(failed)).toMatch(/^busy: 4 shells/);
    shell.close();
    // Its session goes with it, and its place is free.
    await until(() => ![...node.routes.living].some(({ path }) => /shell/.test(path)), 'its end');
    expect((await client.shell()).node).toBe('head-1');
  });
});
