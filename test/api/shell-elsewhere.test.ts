import { afterEach, describe, expect, it } from 'vitest';
import { serveAnyShell, serveLentShell } from '../../src/api/shell/elsewhere.ts';
import { noteLine, serveShells } from '../../src/api/shell/shell.ts';
import { connect } from '../../src/client/client.ts';
import type { Shell } from '../../src/client/shell.ts';
import { Failed } from '../../src/protocol/errors.ts';
import type { AuditRow } from '../../src/protocol/user-shapes.ts';
import type { Who } from '../../src/protocol/who.ts';
import { head } from '../client/head.ts';
import { pipe, until, user } from '../client/pipe.ts';
import { hubPair } from '../platform/hub-pair.ts';

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** A head, from which the worker `w1` is reached, which believes that `asker` asks. */
function world(operator = true, asker: Who = { door: 'head', id: 'head-1' }) {
  const rows: AuditRow[] = [];
  const noted = (row: AuditRow) => void rows.push(row);
  const worker = head({ play: () => undefined });
  Object.assign(worker.node, { name: 'w1' });
  const common = { level: () => 'info' as const, now: () => 4, audited: undefined };
  const far = hubPair();
  Object.assign(far.head, { who: asker });
  far.head.serve(
    'shell.open',
    serveLentShell(
      serveShells({
        ...common,
        ...{ node: worker.node, noted: () => {}, links: () => ['head-1'], raft: undefined },
      }),
    ),
  );
  const door = head({
    play: () => ({ jobs: [] }),
    operator,
    serve: (hub) => hub.serve('shell', shells),
  });
  const own = serveShells({
    ...common,
    ...{ node: door.node, noted, links: () => ['w1'], raft: () => ({ term: 3 }) as never },
  });
  const shells = serveAnyShell(own, {
    node: 'head-1',
    hub: (node) => {
      if (node === 'w1') return far.worker;
      throw new Failed('unreachable', `no link to ${node}`);
    },
    noted: (who, node, line) => noteLine({ noted, now: () => 5 }, who, `shell ${node}`, line),
  });
  const client = connect({ open: pipe(door.take).open, callMs: 10_000 });
  ends.push(
    () => client.close(),
    () => far.end(),
  );
  return { client, rows, door };
}

const said = async (shell: Shell, line: string): Promise<string> => {
  const { is, text } = await shell.run(line);
  return is === 'value' ? text : `${is}: ${text}`;
};
const refusalOf = (opened: Promise<unknown>): Promise<string> =>
  opened.then(
    () => 'open',
    ({ failure: { code, text } }: Failed) => `${code}: ${text}`,
  );

describe('a shell on another node', () => {
  it('is led there, and looks at that one', async () => {
    const { client, rows } = world();
    const shell = await client.shell({ node: 'w1' });
    expect(shell.node).toBe('w1');
    expect(await said(shell, 'links()')).toBe("[ 'head-1' ]");
    expect(await said(shell, '(await tree()).map(({ path }) => path)')).toBe("[ '/sessions' ]");
    expect(await shell.complete("actor('/sess")).toMatchObject({ names: ['/sessions'] });
    expect(await said(shell, 'raft()')).toMatch(/^error: .*w1 is no head/);
    // A worker has no sessions, by which it could be asked for anything.
    expect(await said(shell, 'typeof job')).toBe("'undefined'");
    const waiting = said(shell, 'new Promise(() => {})');
    const again = setInterval(() => void shell.interrupt(), 50);
    expect(await waiting).toBe('error: Error: interrupted');
    clearInterval(again);
    // The head that leads there notes what is typed, and nothing but that.
    expect(rows.map(({ of }) => of)).toEqual([
      'links()',
      '(await tree()).map(({ path }) => path)',
      'raft()',
      'typeof job',
      'new Promise(() => {})',
    ]);
    const row = { at: 5, who: user.id, door: 'operator', from: '', result: 'begun' };
    expect(rows[0]).toEqual({ ...row, what: 'shell w1', of: 'links()' });
  });

  it('is on this one, if it is named or none is', async () => {
    const { client, rows } = world();
    for (const named of [{}, { node: 'head-1' }]) {
      const shell = await client.shell(named);
      expect(shell.node).toBe('head-1');
      expect(await said(shell, '(await raft()).term')).toBe('3');
    }
    expect(rows.map(({ what }) => what)).toEqual(['shell', 'shell']);
  });

  it('is for operators, whom a head has looked at', async () => {
    expect(await refusalOf(world(false).client.shell({ node: 'w1' }))).toMatch(
      /^forbidden: only operators/,
    );
    const impostor = world(true, { door: 'worker', id: 'w2' });
    expect(await refusalOf(impostor.client.shell({ node: 'w1' }))).toBe(
      'forbidden: heads alone may ask for that',
    );
    const { client } = world();
    expect(await refusalOf(client.shell({ node: 'w9' }))).toBe('unreachable: no link to w9');
    expect(await refusalOf(client.shell({ node: 7 } as object))).toMatch(/^malformed: \$\.node/);
  });

  it('ends when it is left: then there is room for another', async () => {
    const { client } = world();
    const shell = await client.shell({ node: 'w1' });
    shell.close();
    for (let n = 0; n < 4; n++) await client.shell({ node: 'w1' });
    expect(await refusalOf(client.shell({ node: 'w1' }))).toMatch(/^busy: 4 shells are open on w1/);
  });
});

describe('a trace', () => {
  it('tells the next turns of an actor, and nothing of what they carry', async () => {
    const { client, door } = world();
    const shell = await client.shell();
    await said(shell, 'await job.list()');
    const path = [...door.node.routes.living].find((one) => /shell/.test(one.path))?.path;
    const asks = `job.list({ name: 'hidden' }), job.list()`;
    const line = `const rows = (await Promise.all([trace('${path}', { turns: 2 }), ${asks}]))[0]`;
    expect(await said(shell, line)).toBe('');
    expect(await said(shell, 'rows.length')).toBe('2');
    expect(await said(shell, 'rows[0]')).toMatch(
      /heard: 'told job.list by operator [^']+',\s+phase: 'open',\s+asked: \[ 'reply' \]/,
    );
    expect(await said(shell, 'JSON.stringify(rows)')).not.toContain('hidden');
    expect(door.node.traces.isIdle).toBe(true);
  });

  it('ends by its time, and is refused beyond its bounds', async () => {
    const { client, door } = world();
    const shell = await client.shell();
    expect(await said(shell, 'trace("/not/there", { seconds: 0.05 })')).toBe('[]');
    await until(() => door.node.traces.isIdle, 'its end');
    for (const wanted of ['{ seconds: 61 }', '{ turns: 0 }', '{ turns: "1" }'])
      expect(await said(shell, `trace("/x", ${wanted})`)).toMatch(/^error: .*and \d+ at most/);
    expect(await said(shell, 'trace()')).toMatch(/^error: .*the path of an actor/);
    expect(door.node.traces.isIdle).toBe(true);
  });
});
