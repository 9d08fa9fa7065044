import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildOptions, Plugin } from 'esbuild';

/**
 * Bundles what is shipped into dist/: Node runs our TypeScript in a checkout only, never under
 * node_modules. `--if-possible` is for `npm ci`, which calls this also where the development
 * dependencies or the sources are not there, or are being worked on: then it says so, and leaves
 * dist/ as it is. `--into FOLDER` builds there instead, without types.
 */

const home = join(import.meta.dirname, '..');
const at = process.argv.indexOf('--into');
const into = at < 0 ? undefined : process.argv[at + 1];
const dist = into ?? join(home, 'dist');
const types = join(dist, 'types');
const entries = {
  cli: join(home, 'src/cli/main.ts'),
  node: join(home, 'src/node.ts'),
  client: join(home, 'src/client/client.ts'),
  connect: join(home, 'src/connect.ts'),
};

/** Left to node_modules: native, with worker threads of their own, or big and seldom needed. */
const external = [
  '@azure/*',
  '@fastify/*',
  '@peculiar/x509',
  'bufferutil',
  'cpu-features',
  'dockerode',
  'fastify',
  'lmdb',
  'msgpackr-extract',
  'pino',
  'prom-client',
  'reflect-metadata',
  'ssh2',
  'utf-8-validate',
];

/** CommonJS packages in an ESM bundle call `require` for the modules of Node. */
const banner = {
  js: "import { createRequire as r } from 'node:module'; const require = r(import.meta.url);",
};

const options: BuildOptions = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'none',
  banner,
  logLevel: 'warning',
};

/** The verbs that bin/swm does not send to the command as a whole. */
function asking(): readonly string[] {
  const swm = readFileSync(join(home, 'bin/swm'), 'utf8');
  const [, verbs] = /^ +([a-z |]+)\) main=\$home\/dist\/asking\.js/m.exec(swm) ?? [];
  if (verbs === undefined) throw new Error('bin/swm sends no verb to dist/asking.js');
  return verbs.split(' | ');
}

/** Leaves out the files of all verbs but those: who calls one of these calls no other. */
const verbsOnly = (verbs: readonly string[]): Plugin => ({
  name: 'verbs-only',
  setup(build) {
    build.onResolve({ filter: /^\.\// }, ({ kind, importer, path }) => {
      const isVerb = kind === 'dynamic-import' && /\/cli\/([a-z]+-)?verbs\.ts$/.test(importer);
      if (!isVerb || verbs.some((verb) => path === `./${verb}.ts`)) return undefined;
      return { path, namespace: 'left-out' };
    });
    build.onLoad({ filter: /^/, namespace: 'left-out' }, ({ path }) => ({
      contents: `throw new Error('${path} is not in this file');`,
    }));
  },
});

/** True: dist/ is new; it is replaced only when all of it could be built. */
async function bundle(): Promise<boolean> {
  const esbuild = await import('esbuild');
  const beside = into === undefined ? join(home, '.cache/dist') : `${into}.new`;
  rmSync(beside, { recursive: true, force: true });
  const outdir = beside;
  const all = esbuild.build({
    ...options,
    entryPoints: entries,
    outdir,
    splitting: true,
    external,
  });
  const alone = esbuild.build({
    ...options,
    entryPoints: { asking: entries.cli },
    outdir,
    // As packages they are loaded when they are called for.
    external: [...external, 'yaml'],
    plugins: [verbsOnly(asking())],
  });
  const good = await Promise.all([all, alone]).then(
    () => true,
    () => false, // esbuild has said why
  );
  if (!good) return false;
  // `npm pack` calls us twice, and the second time without making types.
  if (existsSync(types)) renameSync(types, join(beside, 'types'));
  rmSync(dist, { recursive: true, force: true });
  renameSync(beside, dist);
  return true;
}

/** The types of what programs in TypeScript import; takes a second, so not for `npm ci`. */
function declare(): boolean {
  rmSync(types, { recursive: true, force: true });
  const tsc = join(home, 'node_modules/typescript/bin/tsc');
  const args = [tsc, '-p', join(home, 'tsconfig.types.json')];
  return spawnSync(process.execPath, args, { stdio: 'inherit' }).status === 0;
}

const optional = process.argv.includes('--if-possible');
const missing = Object.values(entries).filter((path) => !existsSync(path));
if (!existsSync(join(home, 'node_modules/esbuild'))) missing.push('node_modules/esbuild');
if (missing.length > 0) {
  process.stderr.write(`build: not built, because these are missing: ${missing.join(', ')}\n`);
  process.exitCode = optional ? 0 : 2;
} else if (!(await bundle()) || (!optional && into === undefined && !declare())) {
  process.exitCode = optional ? 0 : 1;
}
