import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startScript } from '../../../src/gates/bootstrap/scripts.ts';
import { initScript } from '../../../src/gates/local/init.ts';

/** Writes its words, and plays an init that is up at once. */
const systemdRun = `#!/bin/sh
printf '%s\\n' "$@" >"$(dirname "$0")/words"
while [ "$1" != /bin/sh ]; do shift; done
echo '1 1 x' >"$(dirname "$2")/init"
`;

it('a worker is a unit of its own where there is systemd, and its jobs outlive it', () => {
  const root = mkdtempSync(join(tmpdir(), 'swm-scripts-'));
  const file = join(root, 'systemd-run');
  writeFileSync(file, systemdRun);
  chmodSync(file, 0o755);
  const folder = join(root, 'node');
  const conf = join(root, 'swm.conf');
  // Only root is let to by systemd: what is asked here is what root would ask.
  const script = startScript
    .replace('/run/systemd/system', root)
    .replace('"$(id -u)" = 0', '0 = 0');
  const words = [folder, '/p', 'head-1', '127.0.0.1:10002', 'i/swm-1/n', 'unit-1', initScript];
  execFileSync('sh', ['-c', script, 'swm', ...words, conf, 'n'], {
    input: '{"config":1}\n{"join":1}\n',
    env: { ...process.env, PATH: `${root}:${process.env['PATH']}` },
  });
  const said = readFileSync(join(root, 'words'), 'utf8').trim().split('\n');
  expect(said).toEqual([
    ...['--quiet', '--collect', '--unit=unit-1', '-p', 'KillMode=process', '-p', 'Delegate=yes'],
    ...['-p', `WorkingDirectory=${folder}`],
    '--setenv=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ...[`--setenv=HOME=${folder}`, '--setenv=SWM_GROUPS=', '--setenv=SWM_MACHINE=i/swm-1/n'],
    '--setenv=NODE_COMPILE_CACHE=/p/compiled',
    ...['/bin/sh', join(folder, 'run'), '0', '/p/bin/swm', 'start'],
    ...['--config', join(folder, 'swm.yaml'), '--spool', join(folder, 'spool')],
  ]);
  expect(readFileSync(join(folder, 'run'), 'utf8')).toBe(initScript);
  expect(readFileSync(join(folder, 'swm.yaml'), 'utf8')).toBe('{"config":1}\n');
  expect(readFileSync(conf, 'utf8')).toBe('SWM_SNAME=n\nSWM_TUNNEL=127.0.0.1:10002\n');
  rmSync(root, { recursive: true });
});
