import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  namesSaySomething,
  nothingLeft,
  plainForms,
  pureIsPure,
  sizesHold,
  standsAlone,
} from './tidy/form.ts';
import {
  floorsHold,
  importsExist,
  noCycles,
  noDeadExports,
  noDeadFiles,
  packagesAtHome,
  startsLight,
} from './tidy/graph.ts';
import { parse, type Rule, readProject } from './tidy/project.ts';

type Planted = {
  readonly name: string;
  readonly rule: Rule;
  /** Files with the fault in them, and those beside them that must be passed over. */
  readonly files: Readonly<Record<string, string>>;
  /** All findings; `/` in a text is any. */
  readonly found: readonly string[];
};

const lines = (count: number, text = '// more\n') => text.repeat(count);

/** One fault, or one of each sort, that the rule must find, and nothing else. */
const planted: readonly Planted[] = [
  {
    name: 'a file imports from lower floors only',
    rule: floorsHold,
    files: {
      'src/protocol/a.ts': "import '../runtime/b.ts';",
      'src/runtime/b.ts': "import '../protocol/a.ts'; import './c.ts';",
      'src/api/d.ts': "import '../gates/e.ts'; import '../platform/f.ts';",
      'src/client/g.ts': "import '../runtime/b.ts'; import '../protocol/a.ts';",
      'src/node.ts': "import './config.ts'; import '../test/x.ts';",
      'src/config.ts': "import './cli/i.ts';",
      'src/web/h.tsx': "import type { X } from '../client/g.ts';",
      'src/cli/i.ts': "const x = await import('../node.ts'); import '../web/h.tsx';",
      'src/new/j.ts': '',
    },
    found: [
      'src/protocol/a.ts:1: may not import src/runtime/b.ts',
      'src/api/d.ts:1: may not import src/gates/e.ts',
      'src/client/g.ts:1: may not import src/runtime/b.ts',
      'src/node.ts:1: may not import test/x.ts',
      'src/config.ts:1: may not import src/cli/i.ts',
      'src/cli/i.ts:1: may not import src/web/h.tsx',
      'src/new/j.ts:1: new stands on no floor',
    ],
  },
  {
    name: 'packages and node: modules stay where they may be',
    rule: packagesAtHome,
    files: {
      'src/runtime/cell.ts': "import * as nact from 'nact';",
      'src/runtime/other.ts': "import type { Ref } from 'nact';",
      'src/actors/job/tasks.ts': "const fs = await import('node:fs');",
      'src/platform/disk.ts': "import 'node:fs'; import 'lmdb';",
      'src/client/a.ts': "import 'ws';",
    },
    found: [
      'src/runtime/other.ts:1: nact may not be imported here',
      'src/actors/job/tasks.ts:1: node:fs may not be imported here',
      'src/client/a.ts:1: ws may not be imported here',
    ],
  },
  {
    name: 'imports name files that are there',
    rule: importsExist,
    files: { 'src/protocol/a.ts': "import './b.ts';\nimport './b';", 'src/protocol/b.ts': '' },
    found: ['src/protocol/a.ts:2: there is no ./b'],
  },
  {
    name: 'no cycles, but of types and of what is loaded later',
    rule: noCycles,
    files: {
      'src/protocol/a.ts': "import './b.ts';",
      'src/protocol/b.ts': "export { x } from './c.ts';",
      'src/protocol/c.ts': "import { type Y, y } from './a.ts';",
      'src/protocol/d.ts': "import type { E } from './e.ts';",
      'src/protocol/e.ts': "import { type D } from './d.ts'; import './a.ts';",
      'src/cli/f.ts': "const load = () => import('./g.ts');",
      'src/cli/g.ts': "import './f.ts';",
    },
    found: [
      'src/protocol/a.ts:1: a cycle: src/protocol/a.ts → src/protocol/b.ts → src/protocol/c.ts' +
        ' → src/protocol/a.ts',
    ],
  },
  {
    name: 'the command and the daemon start light',
    rule: startsLight,
    files: {
      'src/cli/main.ts': "import './a.ts'; import type { S } from './b.ts';",
      'src/cli/a.ts': "\nimport Type from 'typebox';\nconst l = await import('lmdb');",
      'src/cli/b.ts': "import 'pino';",
      'src/node.ts': "import 'typebox'; import '@azure/identity';",
    },
    found: [
      'src/cli/a.ts:2: src/cli/main.ts loads typebox at its start',
      'src/node.ts:1: src/node.ts loads @azure/identity at its start',
    ],
  },
  {
    name: 'no dead files',
    rule: noDeadFiles,
    files: {
      'package.json': '{ "scripts": { "demo": "node src/cli/demo.ts" } }',
      'src/cli/demo.ts': "const x = await import('./by-demo.ts');",
      'src/cli/by-demo.ts': '',
      'src/protocol/for-a-bench.ts': '',
      'src/protocol/for-a-test.ts': '',
      'bench/a.ts': "import '../src/protocol/for-a-bench.ts';",
      'test/a.test.ts': "import '../src/protocol/for-a-test.ts';",
    },
    found: ['src/protocol/for-a-test.ts:1: nothing that runs reaches this file'],
  },
  {
    name: 'no dead exports',
    rule: noDeadExports,
    files: {
      'src/protocol/a.ts':
        'export const used = 1;\nexport const alone = 2;\nexport type Needed = number;\n' +
        'export const f = (x: Needed) => alone + x;\nexport type Unneeded = string;\n' +
        'export function forgotten() {}\nexport class Left {}\nconst y = 1;\nexport { y };',
      'src/protocol/all.ts': 'export const x = 1;',
      'src/client/client.ts': "export const api = 1;\nimport * as all from '../protocol/all.ts';",
      'test/b.ts': "import { f, used as other } from '../src/protocol/a.ts';",
    },
    found: [
      'src/protocol/a.ts:2: nobody imports alone',
      'src/protocol/a.ts:5: nobody imports Unneeded',
      'src/protocol/a.ts:6: nobody imports forgotten',
      'src/protocol/a.ts:7: nobody imports Left',
      'src/protocol/a.ts:9: nobody imports y',
    ],
  },
  {
    name: 'files, functions and lines stay small',
    rule: sizesHold,
    files: {
      'src/a.ts': lines(300),
      'src/b.ts': lines(301),
      'src/c.ts': `const f = () => {\n${lines(58)}};\nfunction g() {\n${lines(59)}}\n`,
      'src/d.ts': `class A {\n${lines(70)}  m() {\n${lines(59)}}\n}\n`,
      'src/e.ts': `//${'é'.repeat(98)}\n//${'é'.repeat(99)}\n`,
      'test/f.test.ts': `f(() => {\n${lines(80)}it('x', g);});\nit('x', () => {\n${lines(80)}});\n`,
    },
    found: [
      'src/b.ts:1: 301 lines',
      'src/c.ts:61: a function of 61 lines',
      'src/d.ts:72: a function of 61 lines',
      'src/e.ts:2: wider than 100',
      'test/f.test.ts:83: a function of 82 lines',
    ],
  },
  {
    name: 'plain forms',
    rule: plainForms,
    files: {
      'src/a.ts': 'enum E { A }\nexport default 1;\nconst x = 1 as any;\nconst y = 1 as unknown;',
      'src/b.ts': "import { x } from './c.ts';\nexport { y } from './c.ts';",
      'src/c.ts': "export * from './d.ts';\nexport const x = 1;",
      'src/d.ts': 'export default function f() {}\n@d class A {}\nexport { f };',
      'vitest.config.ts': 'export default {};',
    },
    found: [
      'src/a.ts:1: an enum',
      'src/a.ts:2: a default export',
      'src/a.ts:3: a cast to any',
      'src/b.ts:1: a barrel',
      'src/c.ts:1: a barrel',
      'src/d.ts:1: a default export',
      'src/d.ts:2: a decorator',
    ],
  },
  {
    name: 'pure code is pure',
    rule: pureIsPure,
    files: {
      'src/actors/job/job.ts':
        'const a = Date.now();\nconst b = Math.random();\nsetTimeout(f);\nprocess.exit();\n' +
        "import 'node:fs';\nconst d = performance.now();\nconst e = new Date();\n" +
        'const g = globalThis.fetch;\nconst h = { process };',
      'src/consensus/raft.ts':
        'const t = new Date(1);\nconst { console } = x;\nconsole.log(x.process, Math.max(1));\n' +
        'type T = { readonly crypto: 1 };\nconst v = { fetch: 1 };\nconst f = (process: P) => 1;',
      'src/actors/job/tasks.ts': 'setTimeout(f, Date.now());',
      'src/platform/clock.ts': 'const a = Date.now();',
    },
    found: [
      'src/actors/job/job.ts:5: node:fs in pure code',
      'src/actors/job/job.ts:1: Date.now in pure code',
      'src/actors/job/job.ts:2: Math.random in pure code',
      'src/actors/job/job.ts:3: setTimeout in pure code',
      'src/actors/job/job.ts:4: process in pure code',
      'src/actors/job/job.ts:6: performance in pure code',
      'src/actors/job/job.ts:7: new Date() in pure code',
      'src/actors/job/job.ts:8: fetch in pure code',
      'src/actors/job/job.ts:9: process in pure code',
    ],
  },
  {
    name: 'names say something',
    rule: namesSaySomething,
    files: { 'src/utils/a.ts': '', 'src/api/helpers.ts': '', 'src/api/user.ts': '' },
    found: [
      'src/utils/a.ts:1: a name that says nothing',
      'src/api/helpers.ts:1: a name that says nothing',
    ],
  },
  {
    name: 'nothing is left for later',
    rule: nothingLeft,
    files: {
      'src/a.ts': `// TO${'DO'}: more\nconst x = 1; // @ts-ig${'nore'}`,
      'test/a.test.ts': "it.skip('x', f);\ndescribe.only('y', f);\nit('z', f);\nlist.skip(1);",
    },
    found: [
      `src/a.ts:1: // TO${'DO'}: more`,
      `src/a.ts:2: const x = 1; // @ts-ig${'nore'}`,
      'test/a.test.ts:1: a test that does not run',
      'test/a.test.ts:2: a test that does not run',
    ],
  },
  {
    name: 'the project stands alone',
    rule: standsAlone,
    files: {
      'README.md': `as DES${'IGN'}.md says\nan honest design\n/wo${'rk'}/x`,
      'src/a.ts': "import '../../other/b.ts';",
    },
    found: [
      `README.md:1: as DES${'IGN'}.md says`,
      `README.md:3: /wo${'rk'}/x`,
      'src/a.ts:1: ../../other/b.ts lies outside',
    ],
  },
];

const project = readProject(join(import.meta.dirname, '..'));

describe('the tree', () => {
  it('is read whole', () => {
    const paths = project.sources.map(({ path }) => path);
    expect(paths).toContain('src/protocol/errors.ts');
    expect(paths).toContain('test/tidy.test.ts');
    expect(Object.keys(project.texts)).toContain('.ci/run');
  });

  for (const { name, rule, files, found } of planted) {
    it(`${name}: the rule finds what was planted, and nothing else`, () => {
      expect(rule(parse(files))).toEqual(found);
    });
    it(name, () => {
      expect(rule(project)).toEqual([]);
    });
  }
});
