import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { filled } from '../bin/doc-tables.ts';
import { jobEnvironment } from '../src/protocol/jobscript/environment.ts';
import { emptySpec } from '../src/protocol/jobscript/spec.ts';

const home = join(import.meta.dirname, '..');
const guides = globSync(['*.md', 'docs/**/*.md', 'examples/*.md'], { cwd: home });
const textOf = (path: string): string => readFileSync(join(home, path), 'utf8');
const isThere = (path: string): boolean => existsSync(join(home, path));
const scripts = Object.keys(
  (JSON.parse(textOf('package.json')) as { scripts: Record<string, string> }).scripts,
);

it('each decision is in the list of them', () => {
  const listed = textOf('docs/decisions/README.md');
  const pages = globSync('docs/decisions/*.md', { cwd: home }).map((path) => basename(path));
  expect(pages.filter((page) => page !== 'README.md' && !listed.includes(`(${page})`))).toEqual([]);
});

it('docs/jobs.md knows each variable that a job finds', () => {
  const nodes = [{ name: 'a', address: '127.0.0.1' }];
  const texts = {
    user: '',
    home: '',
    bind: '',
    out: '',
    hostfile: '',
    taskSocket: '',
    shell: '',
    path: '',
    lang: '',
  };
  const saves = { checkpointDir: '', restarted: false };
  const facts = { job: '', attempt: 1, array: null, rank: 0, nodes, ...texts, ...saves };
  const found = Object.keys(jobEnvironment(emptySpec, facts));
  expect(found.filter((name) => !textOf('docs/jobs.md').includes(`\`${name}\``))).toEqual([]);
});

describe.each(guides)('%s', (path) => {
  const text = textOf(path);

  it('has its tables as the sources have them; npm run docs writes them anew', async () => {
    const wanted = await filled(text);
    expect(text).toBe(wanted);
    expect(wanted).not.toContain('(what does it mean?)');
  });

  it('links to what is there', () => {
    const links = [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, to]) => to ?? '');
    expect(links.filter((to) => !isThere(join(dirname(path), to)))).toEqual([]);
  });

  it('names files and commands that are there', () => {
    const named = [...text.matchAll(/`((?:[a-z][\w.-]*\/)+[\w.-]*\.(?:ts|yaml))`/g)].map(
      ([, to]) => to!,
    );
    const gone = named.filter((to) => !isThere(to) && !isThere(`src/${to}`));
    expect(gone).toEqual([]);
    const run = [...text.matchAll(/npm run (?:-s )?([\w:-]+)/g)].map(([, name]) => name!);
    expect(run.filter((name) => !scripts.includes(name))).toEqual([]);
  });
});
