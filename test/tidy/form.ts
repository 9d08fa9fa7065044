import {
  isAsExpression,
  isCallExpression,
  isEnumDeclaration,
  isExportAssignment,
  isExportDeclaration,
  isFunctionLikeDeclaration,
  isIdentifier,
  isImportDeclaration,
  type Node,
  SyntaxKind,
} from 'typescript/unstable/ast';
import type { Finding, Rule, Source } from './project.ts';
import { lineOf, walk } from './project.ts';

const LINES_MAX = 300;
const FUNCTION_LINES_MAX = 60;
const COLUMNS_MAX = 100;

const countLines = (text: string): number =>
  text.split('\n').length - (text.endsWith('\n') ? 1 : 0);

/** What grows past these bounds wants to be two things. */
export const sizesHold: Rule = ({ sources }) =>
  sources.flatMap((source) => {
    const lines = source.text.split('\n');
    const wide = lines.flatMap((line, at) =>
      [...line].length > COLUMNS_MAX ? [`${source.path}:${at + 1}: wider than ${COLUMNS_MAX}`] : [],
    );
    const count = countLines(source.text);
    const long = count > LINES_MAX ? [`${source.path}:1: ${count} lines`] : [];
    return [...wide, ...long, ...longFunctions(source)];
  });

function longFunctions({ path, tree }: Source): readonly Finding[] {
  const findings: Finding[] = [];
  walk(tree, (node) => {
    if (!isFunctionLikeDeclaration(node) || isSuite(path, node)) return;
    const count = countLines(tree.text.slice(node.getStart(tree), node.end));
    if (count > FUNCTION_LINES_MAX)
      findings.push(`${path}:${lineOf(tree, node)}: a function of ${count} lines`);
  });
  return findings;
}

/** What only holds tests is a list of them, not a function that somebody must follow. */
function isSuite(path: string, node: Node): boolean {
  if (!path.startsWith('test/')) return false;
  let tests = 0;
  const count = (below: Node): void => {
    if (isCallExpression(below) && /^(it|test|describe)\b/.test(below.expression.getText()))
      tests++;
    else if (below === node || !isFunctionLikeDeclaration(below)) below.forEachChild(count);
  };
  count(node);
  return tests > 0;
}

/** No enums, default exports, barrels or casts to any: what runs is what is written. */
export const plainForms: Rule = ({ sources }) => sources.flatMap((source) => formFaults(source));

function formFaults({ path, tree }: Source): readonly Finding[] {
  const findings: Finding[] = [];
  const add = (node: Node, what: string) => findings.push(`${path}:${lineOf(tree, node)}: ${what}`);
  walk(tree, (node) => {
    if (isEnumDeclaration(node)) add(node, 'an enum');
    if (isAsExpression(node) && node.type.kind === SyntaxKind.AnyKeyword)
      add(node, 'a cast to any');
    if (node.kind === SyntaxKind.Decorator) add(node, 'a decorator');
    // Tools demand a default export of their configuration.
    if (isDefaultExport(node) && !/(^|\/)[\w.-]+\.config\.ts$/.test(path))
      add(node, 'a default export');
    if (isExportDeclaration(node) && node.exportClause === undefined) add(node, 'a barrel');
  });
  const { statements } = tree;
  const handsOn = statements.some((each) => isExportDeclaration(each) && each.moduleSpecifier);
  if (handsOn && statements.every((each) => isExportDeclaration(each) || isImportDeclaration(each)))
    add(statements[0]!, 'a barrel');
  return findings;
}

function isDefaultExport(node: Node): boolean {
  if (isExportAssignment(node)) return true;
  const modifiers = (node as { modifiers?: readonly Node[] }).modifiers ?? [];
  return modifiers.some(({ kind }) => kind === SyntaxKind.DefaultKeyword);
}

const timers = ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval'];
const unclear = ['process', 'performance', 'console', 'crypto', 'fetch', 'require', ...timers];

const isPure = (path: string): boolean =>
  /^src\/(protocol|runtime|consensus|actors|simulate)\//.test(path) && !/\/tasks\.ts$/.test(path);

/** Code that the simulator plays takes its time, chance and world as arguments. */
export const pureIsPure: Rule = ({ sources }) =>
  sources.filter(({ path }) => isPure(path)).flatMap((source) => impurities(source));

function impurities({ path, tree, imports }: Source): readonly Finding[] {
  const own = new Set<string>();
  walk(tree, (node) => {
    const { name } = node as { name?: Node };
    if (name !== undefined && isIdentifier(name) && isBinding(node)) own.add(name.text);
  });
  const findings = imports
    .filter(({ from }) => from.startsWith('node:'))
    .map(({ from, line }) => `${path}:${line}: ${from} in pure code`);
  walk(tree, (node) => {
    const word = impureWord(node, own);
    if (word !== undefined) findings.push(`${path}:${lineOf(tree, node)}: ${word} in pure code`);
  });
  return findings;
}

const bindings = ['VariableDeclaration', 'Parameter', 'FunctionDeclaration', 'ImportSpecifier'];
const isBinding = (node: Node): boolean =>
  bindings.includes(SyntaxKind[node.kind] ?? '') || node.kind === SyntaxKind.BindingElement;

function impureWord(node: Node, own: ReadonlySet<string>): string | undefined {
  const { parent } = node;
  if (node.kind === SyntaxKind.NewExpression) {
    const { expression, arguments: args } = node as unknown as {
      expression: Node;
      arguments?: readonly Node[];
    };
    return expression.getText() === 'Date' && (args ?? []).length === 0 ? 'new Date()' : undefined;
  }
  if (node.kind === SyntaxKind.PropertyAccessExpression) {
    const text = node.getText().replaceAll(/\s|\?/g, '');
    return ['Date.now', 'Math.random'].includes(text) ? text : undefined;
  }
  if (!isIdentifier(node) || !unclear.includes(node.text) || own.has(node.text)) return undefined;
  // A field or a member that bears the name is not the global.
  const { name, propertyName } = parent as { name?: Node; propertyName?: Node };
  const shorthand = parent.kind === SyntaxKind.ShorthandPropertyAssignment;
  const named = !shorthand && (name === node || propertyName === node);
  const isGlobals = parent.getText().startsWith('globalThis.');
  return named && !isGlobals ? undefined : node.text;
}

const refused = /^(utils?|common|helpers?|types|misc|shared)(\.tsx?)?$/;

/** A folder or file is named after what it holds. */
export const namesSaySomething: Rule = ({ texts }) =>
  Object.keys(texts)
    .filter((path) => path.split('/').some((part) => refused.test(part)))
    .map((path) => `${path}:1: a name that says nothing`);

/** Words are put together here, so that this file is not a finding itself. */
const marks = new RegExp(
  [
    `\\b(TO${'DO'}|FIX${'ME'}|XX${'X'})\\b`,
    `@ts-(ig${'nore'}|noch${'eck'}|exp${'ect-error'})`,
  ].join('|'),
);

/** Nothing is left for later, silenced or skipped. */
export const nothingLeft: Rule = ({ sources }) =>
  sources.flatMap(({ path, text, tree }) => {
    const findings = text
      .split('\n')
      .flatMap((line, at) => (marks.test(line) ? [`${path}:${at + 1}: ${line.trim()}`] : []));
    walk(tree, (node) => {
      if (!isCallExpression(node)) return;
      if (/^(it|test|describe|bench)\.(skip|only|todo|skipIf)\b/.test(node.expression.getText()))
        findings.push(`${path}:${lineOf(tree, node)}: a test that does not run`);
    });
    return findings;
  });

const outside = new RegExp(
  [
    `/wo${'rk'}/\\w`,
    `/tmp/br${'ief'}`,
    `\\.\\./sha${'red'}`,
    `\\bDES${'IGN'}( §|\\.md)`,
    `\\bCONTR${'ACTS'}\\b`,
    `\\bST${'ACK'}( §|\\.md)`,
  ].join('|'),
);

/** The project stands alone: no path of one machine, no paper that is not in it. */
export const standsAlone: Rule = ({ texts, sources }) => [
  ...Object.entries(texts).flatMap(([path, text]) =>
    text
      .split('\n')
      .flatMap((line, at) =>
        outside.test(line) ? [`${path}:${at + 1}: ${line.trim().slice(0, 80)}`] : [],
      ),
  ),
  ...sources.flatMap(({ path, imports }) =>
    imports
      .filter(({ target }) => target?.startsWith('..'))
      .map(({ from, line }) => `${path}:${line}: ${from} lies outside`),
  ),
];
