import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Processes } from '../../src/actors/ports.ts';
import { codeOf, open, someKey } from '../ports/processes.suite.ts';
import { isAlive, RealPlace, readText } from './process-place.ts';

describe.each(['perl', 'node'] as const)('a pipe in the place of a file, under %s', (launcher) => {
  let own: RealPlace;
  let lives: Processes & { close(): void };
  let pipe: string;
  beforeEach(async () => {
    own = new RealPlace({ launcher, slots: 1 });
    lives = await own.open();
    pipe = join(own.work, 'pipe');
    execFileSync('mkfifo', ['-m', '666', pipe]);
  });
  afterEach(() => own.clear());

  it('is read by the job when somebody writes, and holds up nothing else', async () => {
    const order = { ...own.script(someKey(), '#!/bin/sh\ncat\n'), stdin: pipe };
    const { pid } = await lives.ensure(order);
    const other = own.script(someKey(), 'exit 4');
    await lives.ensure(other);
    expect(await lives.exited(other.key, open)).toMatchObject({ code: 4 });
    expect(isAlive(pid)).toBe(true);
    await writeFile(pipe, 'late');
    expect(await lives.exited(order.key, open)).toMatchObject({ code: 0 });
    expect(readText(order.stdout)).toBe('late');
  });

  it('that nobody writes to can be left by a stop', async () => {
    const order = { ...own.script(someKey(), '#!/bin/sh\ncat\n'), stdin: pipe };
    await lives.ensure(order);
    await lives.stop(order.key, 5_000);
    expect(await lives.exited(order.key, open)).toMatchObject({ signal: 15 });
  });

  it('is no log', async () => {
    const order = { ...own.script(someKey(), 'exit 0'), stdout: pipe };
    expect(await codeOf(lives.ensure(order))).toBe('start_failed');
  });
});
