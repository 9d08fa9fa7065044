import { Failed } from '../../protocol/errors.ts';
import { STORAGES } from '../../protocol/jobscript/storage.ts';
import { limits } from '../../protocol/limits.ts';
import { unknownOffer } from '../offers.ts';
import { readPrivate } from './private-file.ts';
import type { StorageSettings } from './storage-settings.ts';

/** A storage as a machine is given it, with the text of its blobfuse2's configuration: secret. */
export type Mount = { readonly name: string; readonly config: string };

type Storages = Readonly<Record<string, StorageSettings>>;

/** The storages of an order. Tokens are read anew each time: they are replaced before they end. */
export const mountsOf = (storages: Storages, names: readonly string[]): Promise<readonly Mount[]> =>
  Promise.all(
    names.map(async (name) => {
      const storage = Object.hasOwn(storages, name) ? storages[name] : undefined;
      if (storage === undefined) throw unknownOffer('storage', name, Object.keys(storages));
      return { name, config: await configOf(name, storage) };
    }),
  );

/** The identities that machines need for them. */
export const identitiesOf = (storages: Storages, names: readonly string[]): readonly string[] => [
  ...new Set(names.flatMap((name) => storages[name]?.identity?.id ?? [])),
];

/** JSON is YAML, and quoted right whatever is in it. */
async function configOf(name: string, storage: StorageSettings): Promise<string> {
  const { account, container, readOnly = false, identity, sasFile = '' } = storage;
  const { endpoint = `https://${account}.blob.core.windows.net` } = storage;
  const opened =
    identity === undefined
      ? { mode: 'sas', sas: await readToken(sasFile) }
      : { mode: 'msi', appid: identity.client };
  const config = {
    // Jobs run as others than root, who mounts it.
    'allow-other': true,
    'read-only': readOnly,
    logging: { type: 'syslog', level: 'log_warning' },
    components: ['libfuse', 'file_cache', 'attr_cache', 'azstorage'],
    file_cache: { path: `${CACHES}/${name}` },
    azstorage: { type: 'block', 'account-name': account, container, endpoint, ...opened },
  };
  return `${JSON.stringify(config, null, 1)}\n`;
}

/** A shared access signature: what stands behind the question mark of an address. */
async function readToken(path: string): Promise<string> {
  const token = (await readPrivate(path)).trim().replace(/^\?/, '');
  if (token.length > limits.storageTokenCharsMax || !/^[!-~]*\bsig=[!-~]+$/.test(token))
    throw new Failed('refused', `${path} has no shared access signature`);
  return token;
}

/** Where what is read and written lies until it is sent, which is for nobody's eyes. */
const CACHES = `${STORAGES}/.cache`;

/**
 * Mounts each storage whose configuration lies beside it, once; what cannot be had is tried again
 * for some minutes. No name is in its text. On images without blobfuse2 it gets it from Microsoft.
 * Argument: `begin`, where it is to be run by systemd, also after each boot, if there is one.
 */
export const mountScript = `#!/bin/sh
set -eu
cd "$(dirname "$0")"
if [ "\${1:-}" = begin ] && [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  exec systemctl enable --now swm-storages.service
fi
patiently() {
  tries=0
  until "$@"; do
    tries=$((tries + 1))
    [ "$tries" -lt 30 ] || return 1
    sleep 10
  done
}
get_blobfuse2() {
  . /etc/os-release
  curl --fail --silent --show-error --location --output microsoft.deb -- \\
    "https://packages.microsoft.com/config/$ID/$VERSION_ID/packages-microsoft-prod.deb" &&
    dpkg -i microsoft.deb &&
    apt-get -o DPkg::Lock::Timeout=300 update &&
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y \\
      --no-install-recommends fuse3 blobfuse2
}
mount_one() {
  rm -rf -- "${CACHES}/$1"
  mkdir -p -- "${STORAGES}/$1" "${CACHES}/$1"
  blobfuse2 mount "${STORAGES}/$1" --config-file="$PWD/storages/$1.yaml"
}
mkdir -p ${CACHES}
chmod 755 ${STORAGES}
chmod 700 ${CACHES}
command -v blobfuse2 >/dev/null || patiently get_blobfuse2
for config in storages/*.yaml; do
  name=$(basename "$config" .yaml)
  mountpoint -q "${STORAGES}/$name" || patiently mount_one "$name"
done
`;

/** Mounts them after each boot; what needs them waits for it. */
export const storagesUnit = (directory: string): string => `[Unit]
Description=Object storages for jobs of swm
After=network-online.target
Wants=network-online.target
RequiresMountsFor=${STORAGES}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=${directory}/mount-storages

[Install]
WantedBy=multi-user.target
`;
