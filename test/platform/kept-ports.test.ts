import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keepPorts, openDoor, readPorts } from '../../src/platform/kept-ports.ts';
import { Failed } from '../../src/protocol/errors.ts';

let run: string;
beforeEach(async () => {
  run = await mkdtemp(join(tmpdir(), 'swm-ports-'));
});
afterEach(() => rm(run, { recursive: true }));

const notes: string[] = [];
const note = (_: string, __: string, text: string): void => void notes.push(text);

describe('the ports of a former life', () => {
  it('are found again, and nothing where they cannot be read', async () => {
    expect(await readPorts(run)).toEqual({ mesh: 0, terminals: 0 });
    await keepPorts(run, { mesh: 4000, terminals: 5000 });
    expect(await readPorts(run)).toEqual({ mesh: 4000, terminals: 5000 });
    await writeFile(join(run, 'ports.json'), '{"mesh": 70000, "terminals": "x"}');
    expect(await readPorts(run)).toEqual({ mesh: 0, terminals: 0 });
    await writeFile(join(run, 'ports.json'), '{"mesh": 7');
    expect(await readPorts(run)).toEqual({ mesh: 0, terminals: 0 });
  });

  it('are taken where any will do, and are given up if somebody has them', async () => {
    const asked: number[] = [];
    const open = (busy: number) => async (port: number) => {
      asked.push(port);
      if (port === busy) throw new Failed('port_busy', 'held by nginx');
      return port;
    };
    expect(await openDoor(0, 4000, open(-1), note)).toBe(4000);
    expect(await openDoor(8443, 4000, open(-1), note)).toBe(8443);
    expect(await openDoor(0, 4000, open(4000), note)).toBe(0);
    expect(notes).toEqual(['a new port is taken instead of 4000: held by nginx']);
    await expect(openDoor(8443, 4000, open(8443), note)).rejects.toThrow('held by nginx');
    expect(asked).toEqual([4000, 8443, 4000, 0, 8443]);
  });
});
