import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const bin = join(import.meta.dirname, '../../bin');

/** A Node that tells who it is and what it was given. */
const fakeNode = (name: string, version: string) => `#!/bin/sh
case $1 in --version) echo ${version}; exit ;; esac
echo "${name} $* cache=\${NODE_COMPILE_CACHE-none}"
`;

type Ended = { readonly code: number; readonly out: string; readonly err: string };

describe('bin/swm', () => {
  let root: string;
  let home: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'swm-bin-'));
    home = join(root, 'lib/node_modules/swm');
    await cp(bin, join(home, 'bin'), { recursive: true });
    await put(join(home, 'dist/cli.js'), '');
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  async function put(path: string, text: string): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text, { mode: 0o755 });
  }

  /** Puts a Node where npm would have put ours, for either processor. */
  async function installNode(folder: string, name: string): Promise<void> {
    for (const cpu of ['x64', 'arm64'])
      await put(join(folder, `node-linux-${cpu}/bin/node`), fakeNode(name, 'v24.21.0'));
  }

  function run(command: string, path = '', cwd = root): Promise<Ended> {
    const PATH = `${path}:/usr/bin:/bin`;
    const env = { PATH: path.includes('only') ? path : PATH, HOME: root };
    return new Promise((resolve) => {
      execFile('/bin/sh', [command, 'a', 'b c'], { env, cwd }, (error, out, err) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err });
      });
    });
  }

  /** A PATH on which there is what the script calls, and no Node. */
  async function barePath(): Promise<string> {
    const folder = join(root, 'only');
    await mkdir(folder, { recursive: true });
    for (const tool of ['readlink', 'mkdir', 'echo'])
      await symlink(`/bin/${tool}`, join(folder, tool)).catch(() => {});
    return folder;
  }

  const flags = '--max-semi-space-size=16 --disable-warning=ExperimentalWarning';

  it('runs what was built by our own Node, wherever npm put that', async () => {
    await installNode(join(root, 'lib/node_modules'), 'beside');
    const beside = await run(join(home, 'bin/swm'));
    expect(beside.out).toBe(
      `beside ${flags} ${home}/dist/cli.js a b c cache=${root}/.cache/swm/compiled\n`,
    );
    expect((await stat(join(root, '.cache/swm/compiled'))).mode & 0o777).toBe(0o700);
    await installNode(join(home, 'node_modules'), 'within');
    expect((await run(join(home, 'bin/swm'))).out).toMatch(/^within /);
  });

  it('is found through links of links, absolute and relative, from any folder', async () => {
    await installNode(join(home, 'node_modules'), 'ours');
    await mkdir(join(root, 'lib/node_modules/.bin'));
    await symlink('../swm/bin/swm', join(root, 'lib/node_modules/.bin/swm'));
    await symlink(join(root, 'lib/node_modules/.bin/swm'), join(root, 'global'));
    await symlink('global', join(root, 'again'));
    for (const [command, cwd] of [
      [join(root, 'again'), '/'],
      ['./again', root],
      ['swm', join(root, 'lib/node_modules/.bin')],
      ['bin/swm', home],
    ] as const)
      expect((await run(command, '', cwd)).out).toContain(`ours ${flags} ${home}/dist/cli.js a`);
  });

  it('runs the sources of a checkout rather than what was built of them', async () => {
    await installNode(join(home, 'node_modules'), 'ours');
    await put(join(home, 'src/cli/main.ts'), '');
    expect((await run(join(home, 'bin/swm'))).out).toContain(` ${home}/src/cli/main.ts a b c`);
  });

  it('takes the first Node of 24 or newer on PATH if ours is not there', async () => {
    await put(join(root, 'old/node'), fakeNode('old', 'v20.20.2'));
    await put(join(root, 'odd/node'), fakeNode('odd', 'vX'));
    await mkdir(join(root, 'folder/node'), { recursive: true });
    await put(join(root, 'new/node'), fakeNode('new', 'v26.1.0'));
    const path = ['old', 'missing', 'odd', 'folder', 'new'].map((each) => join(root, each));
    expect((await run(join(home, 'bin/swm'), path.join(':'))).out).toMatch(/^new /);
  });

  it('says what it needs when there is no Node, or nothing to run', async () => {
    const bare = await barePath();
    await put(join(bare, 'node'), fakeNode('old', 'v20.20.2'));
    const none = await run(join(home, 'bin/swm'), bare);
    expect(none).toMatchObject({ code: 2, out: '' });
    expect(none.err).toContain('needs Node 24');
    await installNode(join(home, 'node_modules'), 'ours');
    await rm(join(home, 'dist'), { recursive: true });
    const empty = await run(join(home, 'bin/swm'));
    expect(empty).toMatchObject({ code: 2, out: '' });
    expect(empty.err).toContain('dist/cli.js');
  });
});
