import { execFileSync, spawnSync } from 'node:child_process';

const isThere = (command: string): boolean =>
  spawnSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' }).status === 0;

/**
 * Installs those Debian packages of which a command is missing. Two may do so at once: the second
 * waits for the first.
 */
export function needPackages(commands: Readonly<Record<string, string>>): void {
  const missing = Object.keys(commands).filter((command) => !isThere(command));
  if (missing.length === 0) return;
  const names = missing.map((command) => commands[command]).join(' ');
  const install = `apt-get update -qq && apt-get install -y -qq --no-install-recommends ${names}`;
  execFileSync('flock', ['/tmp/swm-packages.lock', 'sh', '-c', install], { stdio: 'ignore' });
}
