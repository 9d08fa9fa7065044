import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { execProgram } from '../../src/platform/process/exec-program.ts';
import { PERL, systemCalls } from '../../src/platform/process/launcher.ts';
import { encodeExecFrame, execFrames } from '../../src/protocol/exec-frame.ts';
import { limits } from '../../src/protocol/limits.ts';
import { until } from '../client/pipe.ts';
import { bearers } from '../e2e/machine.ts';

const frame = (kind: string, text: string): Uint8Array => encodeExecFrame(kind, Buffer.from(text));

/** The program with an order for these words, and what it has said so far. */
function begun(words: readonly string[], window = '') {
  const mark = `MARK=${crypto.randomUUID()}`;
  const [setsid, prctl] = systemCalls() ?? [];
  const child = spawn(PERL, ['-e', execProgram, `${setsid}`, `${prctl}`]);
  const fields = ['0', '/', '', '', '', window, `${words.length}`, ...words];
  child.stdin.on('error', () => {});
  child.stdin.write(frame('G', [...fields, mark, 'PATH=/usr/bin:/bin'].join('\0')));
  const take = execFrames();
  let said = '';
  child.stdout.on('data', (piece: Buffer) => {
    for (const { kind, bytes } of take(piece)) said += `${kind}:${Buffer.from(bytes).toString()};`;
  });
  const ended = new Promise<string>((resolve) => child.on('close', () => resolve(said)));
  return { child, ended, said: () => said, left: () => bearers(mark) };
}

describe('the program of a command', () => {
  it('runs words as they are, and says how they end', async () => {
    expect(await begun(['printf', '%s|', 'a b', '$HOME', '', ';x']).ended).toBe(
      'O:a b|$HOME||;x|;X:0;',
    );
    expect(await begun(['/none']).ended).toMatch(/^E:swm: \/none: .*\n;X:127;$/);
    expect(await begun(['/dev/null']).ended).toMatch(/X:126;$/);
    expect(await begun(['sh', '-c', 'kill -9 $$']).ended).toBe('X:137;');
  });

  it('is not kept by what a command leaves, and leaves nothing of it', async () => {
    const { ended, left } = begun(['sh', '-c', 'setsid sleep 1000 & echo x']);
    expect(await ended).toBe('O:x\n;X:0;');
    expect(left()).toEqual([]);
  });

  it.each<[string, (child: ReturnType<typeof begun>['child']) => void]>([
    ['its input ends', (child) => void child.stdin.end()],
    ['it is told to', (child) => void child.kill('SIGTERM')],
    ['its output is closed', (child) => void child.stdout.destroy()],
    [
      'it hears a frame that nobody would keep',
      ({ stdin }) => {
        const head = Buffer.alloc(5, 'I');
        head.writeUInt32BE(limits.execFrameBytesMax + 1, 1);
        stdin.write(head);
      },
    ],
  ])('kills all of it when %s', async (_, leave) => {
    const script =
      'trap "" TERM HUP; setsid sleep 999 & while :; do echo y; sleep 0.01; done; echo never';
    const { child, said, ended, left } = begun(['sh', '-c', script]);
    await until(() => said() !== '' && left().length >= 2, 'it runs');
    leave(child);
    expect(await ended).not.toContain('X:');
    expect(left()).toEqual([]);
  });

  it('ends the input of a command, and of one with a terminal', async () => {
    for (const window of ['', '80 24']) {
      const { child, ended } = begun(['cat'], window);
      child.stdin.write(frame('I', 'x\n'));
      child.stdin.write(frame('I', ''));
      expect(await ended).toMatch(/x\r?\n.*X:0;$/s);
    }
  });

  it('tells a terminal of its size, also when that changes', async () => {
    const script = 'trap "stty size; exit" WINCH; stty size; while :; do sleep 0.01; done';
    const { child, said, ended } = begun(['sh', '-c', script], '80 24');
    await until(() => said().includes('24 80'), 'its size');
    child.stdin.write(frame('W', '123 33'));
    expect(await ended).toMatch(/33 123\r\n;X:0;$/);
  });
});
