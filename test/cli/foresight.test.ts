import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { remedyText, startWords } from '../../src/cli/foresight.ts';
import { run as plan } from '../../src/cli/plan.ts';
import { run as when } from '../../src/cli/when.ts';
import type { Remedy } from '../../src/protocol/foresight-shapes.ts';
import { id, placement } from '../recorded/values.ts';
import { staged } from './call.ts';

const NOW = Date.UTC(2026, 10, 30, 14);
const at = (minutes: number): number => NOW + minutes * 60_000;
const short = id.slice(0, 8);

describe('what would start a job, in words', () => {
  const ask = (directive: string, value: string): Remedy => ({
    ...{ does: 'ask', directive, value },
    job: null,
  });
  it.each([
    [ask('cpus', '2'), 'it would start now with `cpus 2` in its script'],
    [ask('relocatable', 'yes'), 'it would start now with `relocatable` in its script'],
    [ask('constraint', ''), 'it would start now without `constraint` in its script'],
    [
      ask('priority', '7'),
      `it would start now with \`priority 7\`: swm update ${short} --priority 7`,
    ],
    [ask('time', '9m'), `it would start now with \`time 9m\`: swm update ${short} --time 9m`],
    [
      { does: 'cancel', directive: '', value: '', job: id } as const,
      `it would start now if job ${short} were cancelled: swm cancel ${id}`,
    ],
    [null, 'no single change that was tried would start it now'],
  ])('%j', (change, text) => {
    expect(remedyText({ id, waits: true, reasons: ['full'], change })).toBe(text);
  });

  it('is nothing for one that waits for no place', () => {
    expect(remedyText({ id, waits: false, reasons: [], change: null })).toBe('');
    expect(remedyText({ id, waits: true, reasons: [], change: null })).toContain('next pass');
  });
});

describe('when it starts, in words', () => {
  it.each([
    [
      [at(5), at(9), at(20)],
      /^it starts between .* \(in 5 min\) and .* \(in 20 min\), likely about/,
    ],
    [[NOW, NOW, NOW], /^it starts at once$/],
    [[NOW, at(1), at(2)], /^it starts between now and /],
    [[at(5), at(5), at(5)], /^it starts at \S+ \S+ \(in 5 min\)$/],
    [[at(5), at(9), null], /^it starts after .*, likely about .*; how much later nobody knows$/],
    [[at(5), null, null], /^it starts after \S+ \S+ \(in 5 min\); how much later nobody knows$/],
    [[null, null, null], /^nobody knows when it starts/],
  ] as const)('%j', ([from, likely, until], text) => {
    expect(startWords({ from, likely, until }, NOW)).toMatch(text);
  });
});

describe('swm when', () => {
  it.each([
    [{ phase: 'running', waits: false, startedAt: NOW, start: null }, `${short} started at 2026-`],
    [{ phase: 'staging', waits: false, startedAt: 0, start: null }, 'waits for no place'],
    [
      {
        ...{ phase: 'queued', waits: true, startedAt: 0 },
        start: { from: null, likely: null, until: null },
      },
      `${short} waits: nobody knows`,
    ],
  ])('%j', async (answer, text) => {
    const call = staged({ args: [id], answers: { 'job.when': { id, ...answer } } });
    expect(await when(call)).toBe(0);
    expect(call.out).toEqual([expect.stringContaining(text)]);
  });
});

describe('swm plan', () => {
  const folder = mkdtempSync(join(tmpdir(), 'swm-plan-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const script = join(folder, 'job.sh');
  writeFileSync(script, '#!/bin/sh\n#SWM cpus 2\n');
  const answer = {
    start: { from: 1, likely: 1, until: 1 },
    ...{ reasons: [], placement, walltimeMs: 3_600_000, pricePerHour: 0.384, cost: 0.384 },
  };

  it('says where, when and for how much, of the script as the command line has it', async () => {
    const call = staged({
      ...{ args: [script], options: { cpus: '4' } },
      answers: { 'job.plan': answer },
    });
    expect(await plan(call)).toBe(0);
    const sent = { file: script, script: expect.stringContaining('#SWM cpus 4') };
    expect(call.asked).toEqual([['job.plan', sent]]);
    const [start, place, time, price, cost] = call.out;
    expect(start).toMatch(/^start +it starts at once$/);
    expect(place).toMatch(/^place +2 × small at azure-west$/);
    expect([time, price, cost].map((line) => line?.replace(/ +/, ' '))).toEqual([
      'time 1 h',
      'price 0.384 an hour',
      'cost 0.384',
    ]);
  });

  it('says that nobody knows what it costs without a time', async () => {
    const open = { ...answer, walltimeMs: 0, cost: null, reasons: ['full', 'and behind'] };
    const call = staged({ args: [script], answers: { 'job.plan': open } });
    await plan(call);
    expect(call.out.join('\n')).toContain('its script says no `time`');
    expect(call.out.slice(-2).map((line) => line.trim())).toEqual([
      expect.stringMatching(/^waits +full$/),
      'and behind',
    ]);
  });
});
