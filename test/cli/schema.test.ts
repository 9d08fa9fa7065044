import { Value } from 'typebox/value';
import { describe, expect, it } from 'vitest';
import { run as nodes } from '../../src/cli/nodes.ts';
import { results, Trouble } from '../../src/cli/results.ts';
import { run } from '../../src/cli/schema.ts';
import { verbs } from '../../src/cli/verbs.ts';
import { errors } from '../../src/protocol/errors.ts';
import { nodeRow } from '../recorded/values.ts';
import { staged } from './call.ts';

const schemaOf = async (...args: string[]) => {
  const call = staged({ args });
  expect(await run(call)).toBe(0);
  return JSON.parse(call.out[0]!) as Record<string, unknown>;
};

describe('swm schema', () => {
  it('knows every verb', () => {
    expect(Object.keys(results).toSorted()).toEqual(verbs.map(({ name }) => name).toSorted());
  });

  it('prints what holds of what the command prints, and of nothing else', async () => {
    const schema = await schemaOf('nodes');
    expect(schema).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: 'swm nodes --json',
      type: 'array',
    });
    const call = staged({ json: true, answers: { 'node.list': { nodes: [nodeRow] } } });
    await nodes(call);
    const printed = JSON.parse(call.out[0]!) as object[];
    // As whoever reads it would: from its text.
    expect(Value.Check(schema as never, printed)).toBe(true);
    expect(Value.Check(schema as never, [{ ...printed[0], phase: 'well' }])).toBe(false);
    expect((await schemaOf('secret', 'set'))['title']).toBe('swm secret set --json');
  });

  it('has all of them at once, and that of failures', async () => {
    const { $defs } = await schemaOf();
    const all = $defs as Record<string, object>;
    expect(Object.keys(all)).toContain('jobs');
    expect(Object.keys(all)).not.toContain('dev');
    const { mend, retry } = errors.not_found;
    const error = { code: 'not_found', text: 'no job', retry, mend };
    expect(Value.Check(all['error'] as never, { error })).toBe(true);
    expect(Value.Check(Trouble, { error: { ...error, code: 'odd' } })).toBe(false);
  });

  it.each([
    ['jbos', 'no command jbos'],
    ['dev', 'no results'],
    ['toString', 'no command'],
  ])('has none of %s', async (verb, text) => {
    await expect(schemaOf(verb)).rejects.toThrow(text);
  });
});
