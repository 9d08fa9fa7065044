import { globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import {
  type ImportDeclaration,
  isCallExpression,
  isExportDeclaration,
  isImportDeclaration,
  isImportTypeNode,
  isLiteralTypeNode,
  isNamedExports,
  isNamedImports,
  isNamespaceImport,
  isStringLiteral,
  type Node,
  type SourceFile,
  SyntaxKind,
} from 'typescript/unstable/ast';
import { createVirtualFileSystem } from 'typescript/unstable/fs';
import { API } from 'typescript/unstable/sync';

/** An import, export-from or dynamic import; `names` is '*' where any of them may be meant. */
export type Import = {
  readonly from: string;
  /** The path in the project of a relative import, or undefined for packages and Node's modules. */
  readonly target: string | undefined;
  readonly names: readonly string[] | '*';
  /** Erased before it runs. */
  readonly typeOnly: boolean;
  /** Runs only when it is reached, so it costs nothing at the start. */
  readonly later: boolean;
  readonly line: number;
};

export type Source = {
  readonly path: string;
  readonly text: string;
  readonly tree: SourceFile;
  readonly imports: readonly Import[];
};

/** All text of a project by path, and those files that are TypeScript, parsed. */
export type Project = {
  readonly texts: Readonly<Record<string, string>>;
  readonly sources: readonly Source[];
};

/** What is wrong and where, as `path:line: words`. */
export type Finding = string;
export type Rule = (project: Project) => readonly Finding[];

const isSource = (path: string): boolean => /\.tsx?$/.test(path);

/** Parses a project that is given as texts by path, so that tests of the rules need no disk. */
export function parse(texts: Readonly<Record<string, string>>): Project {
  const compilerOptions = {
    noResolve: true,
    noLib: true,
    types: [],
    noEmit: true,
    jsx: 'preserve',
  };
  const config = JSON.stringify({ compilerOptions, include: ['/p/**/*.ts', '/p/**/*.tsx'] });
  const files: Record<string, string> = { '/p/tsconfig.json': config };
  const paths = Object.keys(texts).filter(isSource);
  for (const path of paths) files[`/p/${path}`] = texts[path]!;
  const api = new API({ cwd: '/p', fs: createVirtualFileSystem(files) });
  try {
    const snapshot = api.updateSnapshot({ openProjects: ['/p/tsconfig.json'] });
    const program = snapshot.getProjects()[0]!.program;
    const sources = paths.map((path): Source => {
      const tree = program.getSourceFile(`/p/${path}`);
      if (tree === undefined) throw new Error(`${path} was not parsed`);
      return { path, text: texts[path]!, tree, imports: importsOf(path, tree) };
    });
    return { texts, sources };
  } finally {
    api.close();
  }
}

/** Reads all text of the checkout, but what was installed or built. */
export function readProject(root: string): Project {
  const skipped = /^(node_modules|dist|\.git|\.cache)$/;
  const paths = globSync('**/*', { cwd: root, exclude: (name) => skipped.test(name) });
  const dotted = globSync('.*', { cwd: root, exclude: (name) => skipped.test(name) });
  const inDotted = globSync('.ci/*', { cwd: root });
  const texts: Record<string, string> = {};
  for (const path of [...paths, ...dotted, ...inDotted].toSorted()) {
    if (path === 'package-lock.json' || !statSync(join(root, path)).isFile()) continue;
    const bytes = readFileSync(join(root, path));
    if (!bytes.includes(0)) texts[path] = bytes.toString();
  }
  return parse(texts);
}

/** Calls `visit` for a node and all below it. */
export function walk(node: Node, visit: (node: Node) => void): void {
  visit(node);
  node.forEachChild((child) => walk(child, visit));
}

/** The line on which a node begins, from 1, its comments not counted. */
export function lineOf(tree: SourceFile, node: Node): number {
  return tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1;
}

function importsOf(path: string, tree: SourceFile): readonly Import[] {
  const imports: Import[] = [];
  const add = (node: Node, from: string, rest: Pick<Import, 'names' | 'typeOnly' | 'later'>) =>
    imports.push({ from, target: resolve(path, from), line: lineOf(tree, node), ...rest });
  walk(tree, (node) => {
    if (isImportDeclaration(node) && isStringLiteral(node.moduleSpecifier))
      add(node, node.moduleSpecifier.text, { ...clauseOf(node), later: false });
    else if (isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
      const names = exportedNames(node.exportClause);
      const from = node.moduleSpecifier;
      if (isStringLiteral(from))
        add(node, from.text, { names, typeOnly: node.isTypeOnly, later: false });
    } else if (isCallExpression(node) && node.expression.kind === SyntaxKind.ImportKeyword) {
      const from = node.arguments[0];
      if (from !== undefined && isStringLiteral(from))
        add(node, from.text, { names: '*', typeOnly: false, later: true });
    } else if (isImportTypeNode(node) && isLiteralTypeNode(node.argument)) {
      const from = node.argument.literal;
      if (isStringLiteral(from)) add(node, from.text, { names: '*', typeOnly: true, later: false });
    }
  });
  return imports;
}

function exportedNames(clause: Node | undefined): readonly string[] | '*' {
  if (clause === undefined || !isNamedExports(clause)) return '*';
  return clause.elements.map((each) => (each.propertyName ?? each.name).text);
}

function clauseOf(node: ImportDeclaration): Pick<Import, 'names' | 'typeOnly'> {
  const clause = node.importClause;
  if (clause === undefined) return { names: [], typeOnly: false };
  const bindings = clause.namedBindings;
  const whole = clause.phaseModifier === SyntaxKind.TypeKeyword;
  if (bindings !== undefined && isNamespaceImport(bindings)) return { names: '*', typeOnly: whole };
  const named = bindings !== undefined && isNamedImports(bindings) ? [...bindings.elements] : [];
  const names = named.map((each) => (each.propertyName ?? each.name).text);
  if (clause.name !== undefined) names.push('default');
  const erased = clause.name === undefined && named.every((each) => each.isTypeOnly);
  return { names, typeOnly: whole || (erased && named.length > 0) };
}

function resolve(path: string, from: string): string | undefined {
  return from.startsWith('.') ? normalize(join(dirname(path), from)) : undefined;
}
