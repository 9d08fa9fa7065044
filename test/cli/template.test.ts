import { describe, expect, it } from 'vitest';
import { Usage } from '../../src/cli/exits.ts';
import { filled, givenParameters, parametersOf } from '../../src/cli/template.ts';

const script =
  '#!/bin/sh\n#SWM param N\n  #SWM param OUT=a b=c \n#SWM cpus {{N}}\nx {{OUT}} {{N}}\n';

describe('a script with parameters', () => {
  it('has them filled in, each line where it was', () => {
    expect(filled(script, 'job.sh', { N: '3' }).split('\n')).toEqual([
      '#!/bin/sh',
      '# param N',
      '# param OUT=a b=c ',
      '#SWM cpus 3',
      'x a b=c 3',
      '',
    ]);
    expect(filled(script, 'job.sh', { N: '$1 {{OUT}} $&', OUT: '' })).toContain(
      '\nx  $1 {{OUT}} $&\n',
    );
    expect(parametersOf(script)).toEqual(['N', 'OUT']);
  });

  it('is no template, and as it was, if it declares none', () => {
    const plain = "docker inspect --format '{{.State}}' {{N}} {{a,b},c}\n";
    expect(filled(plain, 'job.sh', {})).toBe(plain);
    // In one that does, what is no name in braces stays.
    expect(filled(`#SWM param N=1\n${plain}`, 'j', {})).toBe(
      `# param N=1\n${plain.replace('{{N}}', '1')}`,
    );
  });

  it.each([
    [script, {}, 'job.sh:2:6: parameter N is not given: --param N=…'],
    [script, { N: '1', OUR: '' }, 'job.sh: OUR is no parameter of this script; did you mean OUT?'],
    ['x\n', { N: '1' }, 'job.sh: N is no parameter of this script; `#SWM param NAME` declares one'],
    [script, { N: '1\n2' }, 'job.sh: parameter N: "1\\n2" is more than one line'],
    [
      '#SWM param NUM=1\n\n a {{NUN}}',
      {},
      'job.sh:3:4: NUN is no parameter of this script; did you mean NUM?',
    ],
    ['#SWM param 1N\n', {}, 'job.sh:1:6: `param`: wants NAME or NAME=VALUE'],
    ['#SWM param\n', {}, 'job.sh:1:6: `param`: wants NAME or NAME=VALUE'],
    ['#SWM param N=1\n#SWM Param N=2\n', {}, 'job.sh:2:6: `param`: N was declared already'],
  ])('of %j with %j is refused where it is wrong', (text, given, flaw) => {
    expect(() => filled(text, 'job.sh', given)).toThrow(new Usage(flaw));
  });

  it('is given them as NAME=VALUE', () => {
    expect(givenParameters(['A=1', 'B==x\ny', 'A=2'])).toEqual({ A: '2', B: '=x\ny' });
    expect(() => givenParameters(['1=A'])).toThrow('swm: --param: 1=A is not NAME=VALUE');
  });
});
