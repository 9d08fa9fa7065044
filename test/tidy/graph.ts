import {
  isExportDeclaration,
  isFunctionDeclaration,
  isIdentifier,
  isNamedExports,
  isVariableStatement,
  type Node,
  SyntaxKind,
} from 'typescript/unstable/ast';
import type { Finding, Import, Project, Rule, Source } from './project.ts';
import { lineOf, walk } from './project.ts';

/** The files of src/ that are in no folder put the others together: a room of their own. */
const TOP = '.';

/** The floors of src/, by room. What is not here must be given a floor first. */
const floors: Readonly<Record<string, number>> = {
  protocol: 0,
  runtime: 1,
  consensus: 2,
  actors: 3,
  simulate: 4,
  platform: 4,
  api: 5,
  gates: 5,
  client: 5,
  [TOP]: 6,
  node: 6,
  cli: 6,
  web: 6,
};

/** What may be imported besides the own folder and lower floors. */
const besides: Readonly<Record<string, readonly string[]>> = {
  cli: [TOP, 'node'],
  [TOP]: ['node'],
  node: [TOP],
};

/** Folders that see less than the floors below: they run elsewhere too, or must start fast. */
const only: Readonly<Record<string, readonly string[]>> = {
  client: ['protocol'],
  simulate: ['protocol', 'runtime', 'actors'],
  web: ['protocol', 'client'],
};

/** Where Node's own modules may be imported. Everything else receives what it needs as ports. */
const doors = ['platform', 'api', 'gates', 'node', 'cli', TOP];

const homes: Readonly<Record<string, RegExp>> = {
  nact: /^src\/runtime\/cell\.ts$/,
  lmdb: /^src\/platform\//,
  pino: /^src\/platform\//,
  ws: /^src\/(platform|api|cli)\//,
  dockerode: /^src\/platform\/container\//,
  ssh2: /^src\/(platform|gates)\//,
  '@azure/identity': /^src\/gates\/azure\//,
  '@azure/arm-compute': /^src\/gates\/azure\//,
  '@azure/arm-resources': /^src\/gates\/azure\//,
  fastify: /^src\/api\/rest\//,
  'prom-client': /^src\/api\//,
};

function roomOf(path: string): string {
  const [, room, ...rest] = path.split('/');
  return rest.length === 0 ? TOP : room!;
}
const inSrc = (path: string): boolean => path.startsWith('src/');

/** A file imports from its own folder and from lower floors. */
export const floorsHold: Rule = ({ sources }) =>
  sources.filter(({ path }) => inSrc(path)).flatMap((source) => floorFaults(source));

function floorFaults({ path, imports }: Source): readonly Finding[] {
  const room = roomOf(path);
  const floor = floors[room];
  if (floor === undefined) return [`${path}:1: ${room} stands on no floor`];
  const allowed = (other: string): boolean =>
    other === room ||
    besides[room]?.includes(other) === true ||
    (only[room]?.includes(other) ?? (floors[other] ?? Number.POSITIVE_INFINITY) < floor);
  return imports.flatMap(({ target, line }) => {
    if (target === undefined || (inSrc(target) && allowed(roomOf(target)))) return [];
    return [`${path}:${line}: may not import ${target}`];
  });
}

/** Node's modules and the packages that do I/O have their places. */
export const packagesAtHome: Rule = ({ sources }) =>
  sources
    .filter(({ path }) => inSrc(path))
    .flatMap(({ path, imports }) =>
      imports.flatMap(({ from, line }) => {
        const away = from.startsWith('node:')
          ? !doors.includes(roomOf(path))
          : homes[from] !== undefined && !homes[from].test(path);
        return away ? [`${path}:${line}: ${from} may not be imported here`] : [];
      }),
    );

/** A relative import names a file of the project, with its ending. */
export const importsExist: Rule = ({ sources, texts }) =>
  sources.flatMap(({ path, imports }) =>
    imports
      .filter(({ target }) => target !== undefined && !Object.hasOwn(texts, target))
      .map(({ from, line }) => `${path}:${line}: there is no ${from}`),
  );

/** No file needs itself to be loaded. What is erased or loaded later may go round in circles. */
export const noCycles: Rule = ({ sources }) => {
  const next = new Map(
    sources.map(({ path, imports }) => [
      path,
      imports.filter((each) => !each.typeOnly && !each.later),
    ]),
  );
  const done = new Set<string>();
  const findings: Finding[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) findings.push(`${path}:1: a cycle: ${[...trail.slice(at), path].join(' → ')}`);
    if (at >= 0 || done.has(path)) return;
    for (const { target } of next.get(path) ?? [])
      if (target !== undefined) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const { path } of sources) visit(path, []);
  return findings;
};

/** What must not be loaded before it is needed: it takes the start too long, or memory. */
const heavy: Readonly<Record<string, RegExp>> = {
  'src/cli/main.ts': /^(typebox|lmdb|ssh2|pino|nact|fastify|@azure\/|@peculiar\/)/,
  'src/node.ts': /^(ssh2|dockerode|fastify|@fastify\/|prom-client|@azure\/)/,
};

/** The command and the daemon start without the packages that few runs of them need. */
export const startsLight: Rule = ({ sources }) =>
  Object.entries(heavy).flatMap(([entry, tooMuch]) => {
    const loaded = reach(sources, [entry], ({ typeOnly, later }) => !typeOnly && !later);
    return sources
      .filter(({ path }) => loaded.has(path))
      .flatMap(({ path, imports }) =>
        imports
          .filter(({ from, typeOnly, later }) => !typeOnly && !later && tooMuch.test(from))
          .map(({ from, line }) => `${path}:${line}: ${entry} loads ${from} at its start`),
      );
  });

/** Every file of src/ is reached from something that is run or given away. */
export const noDeadFiles: Rule = (project) => {
  const live = reach(project.sources, entriesOf(project), () => true);
  return project.sources
    .filter(({ path }) => inSrc(path) && !live.has(path))
    .map(({ path }) => `${path}:1: nothing that runs reaches this file`);
};

/** Every export of src/ is imported somewhere, tests included. */
export const noDeadExports: Rule = (project) => {
  const used = new Map<string, Set<string> | '*'>();
  for (const { imports } of project.sources)
    for (const { target, names } of imports) {
      if (target === undefined) continue;
      const before = used.get(target) ?? new Set<string>();
      if (before === '*' || names === '*') used.set(target, '*');
      else used.set(target, new Set([...before, ...names]));
    }
  const entries = entriesOf(project);
  return project.sources
    .filter(({ path }) => inSrc(path) && !entries.includes(path) && used.get(path) !== '*')
    .flatMap((source) => {
      const names = used.get(source.path) as ReadonlySet<string> | undefined;
      return exportsOf(source)
        .filter(({ name, needed }) => !needed && names?.has(name) !== true)
        .map(({ name, line }) => `${source.path}:${line}: nobody imports ${name}`);
    });
};

/** What is started by name, given to users, or run by people: package.json tells most of them. */
function entriesOf({ texts, sources }: Project): readonly string[] {
  const named = [...(texts['package.json'] ?? '').matchAll(/[\w./-]+\.ts\b/g)].map(
    ([path]) => path,
  );
  const given = ['src/client/client.ts', 'src/connect.ts'];
  const known = ['src/node.ts', 'src/cli/main.ts', ...given, 'src/web/main.tsx'];
  const run = sources.filter(({ path }) => /^(examples|bench|bin)\//.test(path));
  return [...known, ...named, ...run.map(({ path }) => path)];
}

function reach(
  sources: readonly Source[],
  from: readonly string[],
  follow: (each: Import) => boolean,
): ReadonlySet<string> {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const seen = new Set<string>();
  const visit = (path: string): void => {
    const source = byPath.get(path);
    if (source === undefined || seen.has(path)) return;
    seen.add(path);
    for (const each of source.imports)
      if (each.target !== undefined && follow(each)) visit(each.target);
  };
  for (const path of from) visit(path);
  return seen;
}

type Exported = { readonly name: string; readonly line: number; readonly needed: boolean };

/** A type that its own file uses is part of what its functions take or give: it is needed. */
function exportsOf({ tree }: Source): readonly Exported[] {
  const uses = new Map<string, number>();
  walk(tree, (node) => {
    if (isIdentifier(node)) uses.set(node.text, (uses.get(node.text) ?? 0) + 1);
  });
  const found: Exported[] = [];
  const add = (name: string, node: Node, type: boolean): void => {
    found.push({ name, line: lineOf(tree, node), needed: type && (uses.get(name) ?? 0) > 1 });
  };
  for (const statement of tree.statements) {
    const modifiers = (statement as { modifiers?: readonly Node[] }).modifiers ?? [];
    if (isExportDeclaration(statement)) {
      const clause = statement.exportClause;
      if (clause !== undefined && isNamedExports(clause))
        for (const { name } of clause.elements) add(name.text, statement, false);
    }
    if (!modifiers.some(({ kind }) => kind === SyntaxKind.ExportKeyword)) continue;
    if (isVariableStatement(statement)) {
      for (const { name } of statement.declarationList.declarations)
        if (isIdentifier(name)) add(name.text, statement, false);
    } else {
      const { name } = statement as { name?: Node };
      const type = /^(Type|Interface)/.test(SyntaxKind[statement.kind] ?? '');
      if (name !== undefined && isIdentifier(name))
        add(name.text, statement, type && !isFunctionDeclaration(statement));
    }
  }
  return found;
}
