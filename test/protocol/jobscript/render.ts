import { showArray } from '../../../src/protocol/jobscript/arrayrange.ts';
import {
  type DirectiveName,
  directiveNames,
  directives,
} from '../../../src/protocol/jobscript/directives.ts';
import { showPorts } from '../../../src/protocol/jobscript/portlist.ts';
import { showBytes, showDuration } from '../../../src/protocol/jobscript/quantities.ts';
import { emptySpec, type JobSpec } from '../../../src/protocol/jobscript/spec.ts';

/**
 * The directives that ask for this spec, a line each: in the order of the table, but dependencies
 * in that of the spec.
 */
export const render = (spec: JobSpec): readonly string[] => [
  ...directiveNames.flatMap((name) => valuesOf(name, spec).map((value) => line(name, value))),
  ...spec.after.flatMap(({ when, jobs }) => lines(jobs).map((value) => line(when, value))),
];

const line = (name: DirectiveName, value: string): string => `#SWM ${name} ${value}`.trimEnd();

/** A word as a shell wants it; bare only where nothing could be made of it. */
const word = (text: string): string =>
  /^[A-Za-z0-9_./:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** What a backslash or a wildcard means is not to be quoted away. */
const pattern = (text: string): string =>
  text.replace(/\\.|[*?[]|[^\\*?[]+/gu, (part) => (/^[\\*?[]/.test(part) ? part : word(part)));

/** One value a line; lists are cut into lines of at most three words. */
function valuesOf(name: DirectiveName, spec: JobSpec): readonly string[] {
  const { takes } = directives[name];
  const isAsked = 'field' in takes && spec[takes.field] !== emptySpec[takes.field];
  switch (takes.is) {
    case 'flag':
    case 'choice':
      return isAsked ? [''] : [];
    case 'line':
      return isAsked ? [spec[takes.field]] : [];
    case 'word':
    case 'term':
    case 'path':
    case 'url':
      return isAsked ? [word(spec[takes.field])] : [];
    case 'count':
    case 'amount':
      return isAsked ? [String(spec[takes.field])] : [];
    case 'bytes':
      return isAsked ? [showBytes(spec[takes.field])] : [];
    case 'time':
      return isAsked ? [showDuration(spec[takes.field])] : [];
    case 'names':
      return lines(spec[takes.field]);
    case 'files':
      return lines(spec[takes.field], pattern);
    case 'ports':
      return spec.ports.length > 0 ? [showPorts(spec.ports)] : [];
    case 'env':
      return lines(Object.entries(spec.env).map(([key, value]) => `${key}=${value}`));
    case 'secret':
      return spec.secrets.map(({ name, as, to }) => `${name} ${as} ${word(to)}`);
    case 'gpus':
      return spec.gpus > 0 ? [`${spec.gpuKind && `${spec.gpuKind}:`}${spec.gpus}`] : [];
    case 'gang':
      return spec.gang === '' ? [] : [[spec.gang, spec.gangSize || ''].join(' ')];
    case 'countable':
      return Object.entries(spec.countables).map(([key, count]) => `${key} ${count}`);
    case 'array':
      return spec.array ? [showArray(spec.array)] : [];
    case 'jobs':
      return [];
  }
}

function lines(words: readonly string[], shown = word): readonly string[] {
  const made: string[] = [];
  for (let at = 0; at < words.length; at += 3) {
    made.push(
      words
        .slice(at, at + 3)
        .map(shown)
        .join(' '),
    );
  }
  return made;
}
