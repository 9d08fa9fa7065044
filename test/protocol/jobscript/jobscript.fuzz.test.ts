import fc from 'fast-check';
import { Check } from 'typebox/value';
import { expect, it } from 'vitest';
import { directiveNames } from '../../../src/protocol/jobscript/directives.ts';
import {
  formatScriptError,
  type ParsedScript,
  parseScript,
} from '../../../src/protocol/jobscript/jobscript.ts';
import { limits } from '../../../src/protocol/limits.ts';
import { Spec } from '../../../src/protocol/model.ts';
import { render } from './render.ts';
import { specs } from './specs.ts';

const noise = fc.constantFrom(
  '',
  '#!/bin/sh',
  'echo "#SWM nodes 9"',
  '# SWM nodes 9',
  '#SWMx',
  '\t ',
);
const end = fc.constantFrom('\n', '\r\n');

/** A script that asks for a spec, with other lines between the directives. */
const scripts = fc
  .tuple(specs, fc.array(noise, { minLength: 1, maxLength: 9 }), end)
  .map(([spec, between, newline]) => ({
    spec,
    text: render(spec)
      .flatMap((line, at) => [between[at % between.length]!, line])
      .join(newline),
  }));

const pieces = fc.oneof(
  fc.constantFrom(
    '#SWM ',
    '\n#SWM ',
    '\r',
    '\n',
    '\0',
    '"',
    "'",
    '\\',
    ' ',
    '..',
    '/',
    ',',
    '%',
    '-',
  ),
  fc.constantFrom(...directiveNames.map((name) => `\n#SWM ${name} `)),
  fc.string({ unit: 'binary', maxLength: 5 }),
);

/** What holds of any outcome: a good spec asks for itself, and an error points into the script. */
function check(text: string, parsed: ParsedScript): void {
  if ('spec' in parsed) {
    const again = parseScript(render(parsed.spec).join('\n'), 'again');
    expect(again).toEqual({ spec: parsed.spec });
    expect(Check(Spec, parsed.spec)).toBe(true);
    return;
  }
  const lines = text.split('\n');
  expect(parsed.errors.length).toBeGreaterThan(0);
  expect(parsed.errors.length).toBeLessThanOrEqual(limits.scriptErrorsMax);
  let before = 0;
  for (const error of parsed.errors) {
    expect(error.line).toBeGreaterThanOrEqual(before);
    expect(error.line).toBeLessThanOrEqual(lines.length);
    expect(error.column).toBeGreaterThanOrEqual(1);
    expect(error.column).toBeLessThanOrEqual(lines[error.line - 1]!.length);
    expect(formatScriptError('f', error)).toMatch(/^f:\d+:\d+: [^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]+$/u);
    before = error.line;
  }
}

it('reads every spec that a script can ask for', () => {
  fc.assert(
    fc.property(scripts, ({ spec, text }) => {
      expect(parseScript(text, 'f')).toEqual({ spec });
      expect(Check(Spec, spec)).toBe(true);
    }),
    { numRuns: 400 },
  );
});

it('makes a spec of any text, or tells where it is wrong', () => {
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => {
      const text = parts.join('');
      check(text, parseScript(text, 'f'));
    }),
    { numRuns: 2000 },
  );
});

it('makes a spec of any script that was changed a little, or tells where it is wrong', () => {
  const edit = fc.record({ at: fc.nat(), cut: fc.nat({ max: 6 }), put: pieces });
  let bad = 0;
  let good = 0;
  fc.assert(
    fc.property(scripts, fc.array(edit, { minLength: 1, maxLength: 4 }), ({ text }, edits) => {
      const changed = edits.reduce((made, { at, cut, put }) => {
        const where = at % (made.length + 1);
        return made.slice(0, where) + put + made.slice(where + cut);
      }, text);
      const parsed = parseScript(changed, 'f');
      if ('spec' in parsed) good += 1;
      else bad += 1;
      check(changed, parsed);
    }),
    { numRuns: 1000 },
  );
  // Both kinds came up, or the edits prove nothing.
  expect(Math.min(good, bad)).toBeGreaterThan(50);
});
