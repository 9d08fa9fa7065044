import { describe, expect, it } from 'vitest';
import {
  type DirectiveName,
  directiveNames,
  directives,
} from '../src/protocol/jobscript/directives.ts';
import { formatScriptError, parseScript } from '../src/protocol/jobscript/jobscript.ts';
import { emptySpec } from '../src/protocol/jobscript/spec.ts';
import { files } from './directives/files.ts';
import { life } from './directives/life.ts';
import { machines } from './directives/machines.ts';
import { names } from './directives/names.ts';
import type { Row } from './directives/row.ts';

/** A row for every directive, or this does not compile. */
const rows: Record<DirectiveName, Row> = { ...names, ...machines, ...files, ...life };

const script = (name: string, value: string): string => `#SWM ${name} ${value}\n`;

describe.each(directiveNames)('#SWM %s', (name) => {
  const row = rows[name];

  it.each(row.good)('reads %j', (value, asked) => {
    expect(parseScript(script(name, value), 'job.sh')).toStrictEqual({
      spec: { ...emptySpec, ...asked },
    });
  });

  it.each(row.bad)('refuses %j', (value, error) => {
    const parsed = parseScript(script(name, value), 'job.sh');
    const shown =
      'errors' in parsed ? parsed.errors.map((e) => formatScriptError('job.sh', e)) : [];
    expect(shown).toStrictEqual([`job.sh:${error}`]);
  });

  it('has good and bad values here, one line of help, and an argument unless it is a flag', () => {
    expect(row.good.length).toBeGreaterThan(0);
    expect(row.bad.length).toBeGreaterThan(0);
    expect(directives[name].help).toMatch(/^[^\n]{10,90}$/);
    expect(directives[name].argument === '').toBe(directives[name].takes.is === 'flag');
  });

  it('may stand on two lines only if it is repeatable', () => {
    const values = row.good.map(([value]) => value.split('\n')[0]!).filter((value) => value !== '');
    const value = values[0] ?? '';
    const twice = script(name, value) + script(name, value);
    const parsed = parseScript(twice, 'job.sh');
    const texts = 'errors' in parsed ? parsed.errors.map((e) => formatScriptError('f', e)) : [];
    const again = `f:2:6: \`${name}\`: was given already, at job.sh:1:6`;
    expect(texts.includes(again)).toBe(directives[name].repeatable !== true);
  });
});
