import { Check } from 'typebox/value';
import { describe, expect, it } from 'vitest';
import { directiveNames } from '../../../src/protocol/jobscript/directives.ts';
import { formatScriptError, parseScript } from '../../../src/protocol/jobscript/jobscript.ts';
import { emptySpec, type JobSpec } from '../../../src/protocol/jobscript/spec.ts';
import { limits } from '../../../src/protocol/limits.ts';
import { Spec } from '../../../src/protocol/model.ts';

const asked = (text: string): Partial<JobSpec> => {
  const parsed = parseScript(text, 'job.sh');
  if ('errors' in parsed) throw new Error(JSON.stringify(parsed.errors));
  const fields = Object.entries(parsed.spec);
  const changed = fields.filter(([field, value]) => value !== emptySpec[field as keyof JobSpec]);
  return Object.fromEntries(
    changed.filter(([, value]) => JSON.stringify(value) !== '[]' && JSON.stringify(value) !== '{}'),
  );
};

const errors = (text: string, file = 'job.sh'): readonly string[] => {
  const parsed = parseScript(text, file);
  return 'errors' in parsed ? parsed.errors.map((error) => formatScriptError(file, error)) : [];
};

describe('which lines are directives', () => {
  it('takes none of a script that has none', () => {
    expect(parseScript('', 'a')).toStrictEqual({ spec: emptySpec });
    expect(parseScript('#!/bin/sh\necho #SWM nodes 3\n', 'a')).toStrictEqual({ spec: emptySpec });
  });

  it('takes those whose first token is exactly #SWM, wherever they stand', () => {
    expect(asked('#!/bin/sh\necho a\n#SWM nodes 2\nexit 0\n#SWM gpus 1')).toEqual({
      nodes: 2,
      gpus: 1,
    });
    expect(asked('  #SWM nodes 2\n\t#SWM\tgpus\t \t1\t')).toEqual({ nodes: 2, gpus: 1 });
  });

  it.each([
    '# SWM nodes 2',
    '#SWMx nodes 2',
    '#swm nodes 2',
    '##SWM nodes 2',
    'x #SWM nodes 2',
    '#SWM:nodes 2',
  ])('leaves %j to the shell', (line) => {
    expect(asked(line)).toEqual({});
  });

  it('reads files from Windows, with a byte order mark and pasted spaces', () => {
    expect(
      asked('\ufeff#SWM nodes 2\r\n#SWM\u00a0name a b \u00a0\r\n#SWM relocatable\r\n'),
    ).toEqual({
      nodes: 2,
      name: 'a b',
      relocatable: true,
    });
    expect(asked('#SWM input-files a b\r\n#SWM storage \r\n')).toEqual({ inputFiles: ['a', 'b'] });
  });

  it('reads what a JupyterHub spawner renders when its user chose nothing', () => {
    const script = [
      '#!/bin/bash',
      '#SWM relocatable',
      '#SWM flavor Standard_NC6s_v3',
      '#SWM ports 8888/tcp/in,8081/tcp/out',
      '#SWM account azure',
      '#SWM cloud-image ',
      '#SWM container-image swmregistry.azurecr.io/jupyter/pytorch-notebook:cuda12-hub-5.2.1',
      '#SWM input-files ',
      '#SWM output-files ',
      '#SWM storage ',
      '#SWM gpus ',
      '',
      'jupyterhub-singleuser --debug',
    ];
    expect(asked(script.join('\n'))).toEqual({
      relocatable: true,
      flavor: 'Standard_NC6s_v3',
      ports: [
        { port: 8888, protocol: 'tcp', direction: 'in' },
        { port: 8081, protocol: 'tcp', direction: 'out' },
      ],
      account: 'azure',
      containerImage: 'swmregistry.azurecr.io/jupyter/pytorch-notebook:cuda12-hub-5.2.1',
    });
  });

  it('knows the spelling --keep-resources', () => {
    expect(asked('#SWM --keep-resources')).toEqual({ keepResources: true });
    expect(errors('#SWM keep-resources\n#SWM --keep-resources')).toEqual([
      'job.sh:2:6: `keep-resources`: was given already, at job.sh:1:6',
    ]);
  });
});

/** What is said of a word that is near none. */
const known = `; there are ${directiveNames.join(', ')}`;

describe('what is wrong with a script', () => {
  it('is told of every line, in order, where it stands', () => {
    const script = [
      '#!/bin/sh',
      '#SWM nodez 3',
      '   #SWM gpus many',
      '#SWM nodes 2',
      '#SWM env A=$B SWM_C=1 =',
      '#SWM',
      '#SWM nodes x',
    ];
    expect(errors(script.join('\n'))).toEqual([
      'job.sh:2:6: `nodez` is no directive; did you mean `nodes`?',
      'job.sh:3:14: `gpus`: wants a whole number from 0 to 256, not `many`',
      "job.sh:5:12: `env`: no variable is put in here; quote it with ' or export it in the script",
      'job.sh:5:15: `env`: `SWM_C` is not yours to set: swm sets SWM_*',
      'job.sh:5:23: `env`: `` is no name of a variable: letters, digits and _ make one',
      'job.sh:6:1: #SWM needs a directive behind it',
      'job.sh:7:6: `nodes`: was given already, at job.sh:4:6',
      'job.sh:7:12: `nodes`: wants a whole number from 1 to 1024, not `x`',
    ]);
  });

  it('keeps the near word apart from the text', () => {
    expect(parseScript('#SWM prots 80', 'a')).toStrictEqual({
      errors: [{ line: 1, column: 6, text: '`prots` is no directive', near: 'ports' }],
    });
    expect(parseScript('#SWM nodes', 'a')).toStrictEqual({
      errors: [{ line: 1, column: 6, text: '`nodes`: needs N' }],
    });
  });

  it.each([
    ['nodse', 'nodes'],
    ['Nodes', 'nodes'],
    ['gpu', 'gpus'],
    ['mem', 'memory'],
    ['walltime', 'time'],
    ['input', 'input-files'],
    ['output_files', 'output-files'],
    ['account_id', 'account'],
    ['nodes=3', 'nodes'],
    ['constructor', undefined],
    ['xyzzy', undefined],
  ])('finds what `%s` was meant to be: %s', (word, near) => {
    const hint = near === undefined ? known : `; did you mean \`${near}\`?`;
    expect(errors(`#SWM ${word} 1`)).toEqual([`job.sh:1:6: \`${word}\` is no directive${hint}`]);
  });

  it('is told of the first so many, and no more is read', () => {
    const script = '#SWM nodes x\n'.repeat(1000);
    const told = errors(script);
    expect(told).toHaveLength(limits.scriptErrorsMax);
    expect(told[0]).toBe('job.sh:1:12: `nodes`: wants a whole number from 1 to 1024, not `x`');
    expect(told.at(-1)).toMatch(/^job\.sh:11:6: /);
    expect(errors(`#SWM input-files ${'"" '.repeat(100)}`)).toHaveLength(limits.scriptErrorsMax);
  });

  it('cannot steer the terminal that it is printed on', () => {
    expect(errors('#SWM \u001b[31m\u202e')).toEqual([
      `job.sh:1:6: \`\\u{1b}[31m\\u{202e}\` is no directive${known}`,
    ]);
  });

  it('is a NUL byte, told once, wherever it stands', () => {
    expect(errors('#!/bin/sh\necho a\0b\0\n#SWM nodes 0\n#SWM name \0')).toEqual([
      'job.sh:2:7: has a NUL byte: it is no text',
      'job.sh:3:12: `nodes`: wants a whole number from 1 to 1024, not `0`',
      'job.sh:4:11: `name`: has `\\u{00}`, which cannot be printed',
    ]);
    expect(errors('a\0')).toEqual(['job.sh:1:2: has a NUL byte: it is no text']);
    expect(errors('a\n\0\nb')).toEqual(['job.sh:2:1: has a NUL byte: it is no text']);
  });

  it('is a directive that is too long, but no other line', () => {
    const room = limits.directiveCharsMax - '#SWM comment '.length;
    const long = `#SWM comment ${'x'.repeat(room)}`;
    expect(errors(long)).toEqual([
      `job.sh:1:14: \`comment\`: has ${room} characters; at most 4096 may be`,
    ]);
    expect(errors(`${long}x`)).toEqual([
      'job.sh:1:16385: a line of a directive has at most 16384 characters',
    ]);
    expect(errors('x'.repeat(100_000))).toEqual([]);
  });

  it('is its size in bytes, not in characters', () => {
    const max = limits.scriptBytesMax;
    const tooLong = [`job.sh:1:1: has more than ${max} bytes`];
    expect(errors(`#SWM nodes x\n${'x'.repeat(max)}`)).toEqual(tooLong);
    expect(errors('é'.repeat(max / 2 + 1))).toEqual(tooLong);
    expect(errors('é'.repeat(max / 2))).toEqual([]);
  });

  it('is too many ports or jobs to wait for', () => {
    const ports = Array.from({ length: limits.portsMax + 1 }, (_, i) => `${1000 + i}`);
    expect(errors(`#SWM ports ${ports.slice(1).join(',')}`)).toEqual([]);
    expect(errors(`#SWM ports ${ports.join(',')}`)).toEqual([
      'job.sh:1:332: `ports`: has more than 64 ports',
    ]);
    const jobs = Array.from({ length: limits.dependenciesMax + 1 }, (_, i) => `${10_000_000 + i}`);
    const half = [jobs.slice(0, 500).join(' '), jobs.slice(500, 1000).join(' ')];
    const most = `#SWM after ${half[0]}\n#SWM after-ok ${half[1]}`;
    expect(errors(most)).toEqual([]);
    expect(errors(`${most}\n#SWM after-any ${jobs[1000]}`)).toEqual([
      'job.sh:3:16: `after-any`: there are more than 1000 jobs to wait for',
    ]);
  });

  it('is not a template that was left empty before the line that fills it', () => {
    expect(asked('#SWM flavor \n#SWM flavor small\n#SWM flavor ')).toEqual({ flavor: 'small' });
    expect(errors('#SWM flavor a\n#SWM flavor b')).toEqual([
      'job.sh:2:6: `flavor`: was given already, at job.sh:1:6',
    ]);
  });

  it('is too many or too long paths, and too much environment', () => {
    const names = Array.from({ length: limits.filesMax + 1 }, (_, i) => `f${i}`);
    const half = [names.slice(0, 500).join(' '), names.slice(500).join(' ')];
    expect(errors(`#SWM input-files ${half[0]}\n#SWM output-files ${half[1]}`)).toEqual([]);
    expect(errors(`#SWM input-files ${half[0]}\n#SWM input-files ${half[1]}`)).toEqual([
      'job.sh:2:2518: `input-files`: there are more than 1000 files',
    ]);
    const wide = Array.from({ length: 25 }, (_, i) => `#SWM input-files ${i}${'é'.repeat(2000)}`);
    expect(errors(wide.slice(0, 24).join('\n'))).toEqual([]);
    expect(errors(wide.join('\n'))).toEqual([
      'job.sh:25:18: `input-files`: all paths have more than 100000 bytes; pack the files',
    ]);
    const env = Array.from({ length: 5 }, (_, i) => `#SWM env A${i}=${'x'.repeat(16_000)}`);
    expect(errors(env.join('\n'))).toEqual([
      'job.sh:5:10: `env`: all variables have more than 65536 bytes',
    ]);
    const many = Array.from({ length: 257 }, (_, i) => `#SWM env A${i}=`);
    expect(errors(many.join('\n'))).toEqual([
      'job.sh:257:10: `env`: there are more than 256 variables',
    ]);
  });
});

it('reads a script of 5 MB', () => {
  const lines = Array.from(
    { length: 100_000 },
    (_, i) => `echo "#SWM ${i}" # ${'·'.repeat(10)}#SWM`,
  );
  const body = `${lines.join('\n')}\n`;
  const marks = '#SWM'.repeat(200_000);
  const script = `#SWM nodes 2\n${body}x${marks}\n${' '.repeat(800_000)}\n#SWM gpus 1\n`;
  expect(script.length).toBeGreaterThan(5_000_000);
  expect(asked(script)).toEqual({ nodes: 2, gpus: 1 });
});

it('lets nothing pass that is too long for the message that carries the spec', () => {
  const values = (length: number) => [
    'x'.repeat(length),
    `/${'x'.repeat(length)}`,
    `http://x/${'x'.repeat(length)}`,
    `A=${'x'.repeat(length)}`,
    `'${'👍'.repeat(length)}'`,
  ];
  const lengths = [63, 64, 255, 256, 1023, 1024, 4094, 4095, 4096, 16_000];
  let passed = 0;
  for (const name of directiveNames)
    for (const value of lengths.flatMap(values)) {
      const parsed = parseScript(`#SWM ${name} ${value}`, 'job.sh');
      if ('errors' in parsed) continue;
      passed += 1;
      expect(Check(Spec, parsed.spec), `${name} ${value.length}`).toBe(true);
    }
  expect(passed).toBeGreaterThan(100);
});
