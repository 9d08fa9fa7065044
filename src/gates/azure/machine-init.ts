import type { Resources } from '../../actors/ports.ts';
import { type Join, joinFile, workerFile } from '../worker-files.ts';
import { hostKeyOf } from './host-key.ts';
import type { AzureSettings } from './settings.ts';
import { type Mount, mountScript, storagesUnit } from './storages.ts';

/** A machine as it is before it boots for the first time. */
export type Newborn = {
  readonly partition: string;
  readonly node: string;
  /** Its private address. */
  readonly address: string;
  readonly resources: Resources;
  readonly join: Join;
  /** What it mounts before it is a worker. */
  readonly mounts: readonly Mount[];
};

/**
 * Fetches the worker, unless the image has it, checks it, and starts it: by systemd, which starts
 * it again after a reboot, or else by hand. Arguments: where the archive is, or '', and its sum.
 */
const beginScript = `#!/bin/sh
set -eu
cd "$(dirname "$0")"
if [ -n "$1" ]; then
  curl --fail --silent --show-error --location --retry 30 --retry-all-errors \\
    --retry-max-time 600 --output worker.tar.gz -- "$1"
  echo "$2  worker.tar.gz" | sha256sum --check --quiet
  tar -xzf worker.tar.gz
  rm worker.tar.gz
fi
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  exec systemctl enable --now swm-worker.service
fi
[ ! -e ./mount-storages ] || ./mount-storages
setsid "$PWD/bin/swm" start --config "$PWD/swm.yaml" --spool "$PWD/spool" \\
  </dev/null >>worker.log 2>&1 &
`;

const unit = (directory: string, needs: string): string => `[Unit]
Description=A worker of swm
After=network-online.target
Wants=network-online.target
${needs}
[Service]
ExecStart=${directory}/bin/swm start --config ${directory}/swm.yaml --spool ${directory}/spool
Restart=on-failure
RestartSec=2
KillMode=process
Delegate=yes

[Install]
WantedBy=multi-user.target
`;

/**
 * What cloud-init does on a new machine, as its custom data: gives it the host key that we know it
 * by, and makes it a worker that dials the heads, or lets the head in that will. It is secret, for
 * the key and the token in it. Azure shows it to nobody but the machine's root, and the token is
 * spent at its first use.
 */
export function customData(machine: Newborn, settings: AzureSettings, besides: object): string {
  const key = hostKeyOf(machine.join.token);
  const config = {
    ssh_deletekeys: true,
    ssh_keys: { ed25519_private: key.privateKey, ed25519_public: key.publicKey },
    ...(settings.dialIn === 'ssh'
      ? asHost(machine, settings)
      : asWorker(machine, settings, besides)),
  };
  // JSON is YAML, and quoted right whatever is in it.
  return `#cloud-config\n${JSON.stringify(config, null, 1)}\n`;
}

/** What the head finds that will make it a worker: it waits until all is mounted. */
function asHost({ mounts }: Newborn, { worker: { directory } }: AzureSettings): object {
  // Else root is told to log in as somebody else.
  const open = { disable_root: false };
  if (mounts.length === 0) return open;
  const runcmd = [[`${directory}/mount-storages`, 'begin']];
  return { ...open, write_files: mountFiles(directory, mounts), runcmd };
}

function asWorker(machine: Newborn, { worker }: AzureSettings, besides: object): object {
  const { url, sha256, directory } = worker;
  const place = { ...machine, join: `${directory}/join.json` };
  const hasMounts = machine.mounts.length > 0;
  const needs = hasMounts ? `Requires=${STORAGES}\nAfter=${STORAGES}\n` : '';
  const files = [
    file(place.join, '0600', joinFile(place, machine.join)),
    file(`${directory}/swm.yaml`, '0600', workerFile(place, machine.resources, besides)),
    file(`${directory}/begin`, '0755', beginScript),
    file(`${SYSTEMD}/swm-worker.service`, '0644', unit(directory, needs)),
    ...(hasMounts ? mountFiles(directory, machine.mounts) : []),
  ];
  return { write_files: files, runcmd: [[`${directory}/begin`, url, sha256]] };
}

const SYSTEMD = '/etc/systemd/system';
const STORAGES = 'swm-storages.service';

const mountFiles = (directory: string, mounts: readonly Mount[]): readonly object[] => [
  ...mounts.map(({ name, config }) => file(`${directory}/storages/${name}.yaml`, '0600', config)),
  file(`${directory}/mount-storages`, '0755', mountScript),
  file(`${SYSTEMD}/${STORAGES}`, '0644', storagesUnit(directory)),
];

const file = (path: string, permissions: string, content: string): object => ({
  path,
  permissions,
  owner: 'root:root',
  content,
});
