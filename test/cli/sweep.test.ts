import { describe, expect, it } from 'vitest';
import { run as clusters } from '../../src/cli/clusters.ts';
import { run as sweep } from '../../src/cli/sweep.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { staged } from './call.ts';

const row = (name: string, mark: string) => ({
  name,
  externalId: `/id/${name}`,
  status: 'succeeded',
  createdAt: 1_764_000_000_000,
  mark,
  phase: '',
});
const answers = (unsweptSince = 0) => ({
  'remote.list': { remotes: [{ name: 'east' }] },
  'gate.list': { rows: [row('a', 'stray'), row('b', 'claimed')], more: 0, unsweptSince },
  'sweep.confirm': {},
});
const namesOf = (call: { asked: readonly (readonly [string, object])[] }) =>
  call.asked.map(([name]) => name);

describe('swm sweep', () => {
  it('shows what would go, and changes nothing', async () => {
    const call = staged({ answers: answers(1_764_000_000_000) });
    expect(await sweep(call)).toBe(0);
    expect(namesOf(call)).toEqual(['remote.list', 'gate.list']);
    expect(call.out.join('\n')).toContain('/id/a');
    expect(call.out.join('\n')).not.toContain('/id/b');
    expect(call.notes.join('\n')).toContain('swm sweep --confirm');
  });

  it('lets it go once it was shown', async () => {
    const call = staged({ options: { confirm: true }, answers: answers(1) });
    expect(await sweep(call)).toBe(0);
    expect(namesOf(call)).toEqual(['remote.list', 'gate.list', 'sweep.confirm']);
    expect(call.out.join('\n')).toContain('/id/a');
  });

  it('lets nothing go while a site does not tell', async () => {
    const down = { ...answers(1), 'gate.list': new Failed('site_error', 'down') };
    const call = staged({ options: { confirm: true }, answers: down });
    await expect(sweep(call)).rejects.toThrow('down');
    expect(namesOf(call)).not.toContain('sweep.confirm');
  });

  it('is told as one line of JSON', async () => {
    const call = staged({ json: true, answers: answers(7) });
    await sweep(call);
    const told = { swept: false, strays: [{ remote: 'east', ...row('a', 'stray') }] };
    expect(call.out.map((line) => JSON.parse(line))).toEqual([told]);
  });
});

describe('swm clusters --all-remotes', () => {
  it('lists all that sites have, each with its mark', async () => {
    const call = staged({ options: { allRemotes: true }, answers: answers() });
    expect(await clusters(call)).toBe(0);
    expect(call.out.map((line) => line.split(/ +/).slice(0, 3).join(' '))).toEqual([
      'SITE NAME MARK',
      'east a stray',
      'east b claimed',
    ]);
  });
});
