import { STORAGES } from '../../protocol/jobscript/storage.ts';

/**
 * What is run on a machine that is to become a worker: constant programs for any POSIX shell, whose
 * words are given as arguments. They need what every Linux has, and leave nothing half done that
 * they would not take up again.
 */

/**
 * Says in lines what is there, and which storages are not there yet that the machine was made with.
 * Arguments: directory, program, folder, head.
 */
export const lookScript = `
set -u
directory=$1 program=$2 folder=$3 head=$4
echo "machine $(uname -m)"
[ -e /lib64/ld-linux-x86-64.so.2 ] && echo glibc
[ -e "$directory/$program/complete" ] && echo program
[ -e "$directory/.$program.part" ] && echo "part $(wc -c <"$directory/.$program.part")"
[ -e "$folder/tunnels/$head" ] && echo "tunnel $(cat "$folder/tunnels/$head")"
for config in "$directory"/storages/*.yaml; do
  name=$(basename "$config" .yaml)
  [ ! -e "$config" ] || mountpoint -q "${STORAGES}/$name" || echo "unmounted $name"
done
exit 0
`;

/**
 * Takes the rest of the archive from its input, and unpacks it when it is whole. Whoever waits for
 * the archive finds \`conf\` beside it. Arguments: directory, program, sum, conf or '', name.
 */
export const unpackScript = `
set -eu
directory=$1 program=$2 sum=$3 conf=$4 name=$5
umask 022
mkdir -p "$directory"
cd "$directory"
part=.$program.part
cat >>"$part"
found=$(sha256sum "$part")
if [ "\${found%% *}" != "$sum" ]; then
  rm -f "$part"
  echo "what arrived is not what was sent" >&2
  exit 9
fi
if [ -n "$conf" ] && [ -w "\${conf%/*}" ] && [ ! -e "$conf" ]; then
  echo "SWM_SNAME=$name" >"$conf"
fi
mv "$part" swm-worker.tar.gz
rm -rf ".$program.new"
mkdir ".$program.new"
tar -xzf swm-worker.tar.gz -C ".$program.new"
: >".$program.new/complete"
[ -e "$program/complete" ] || { rm -rf "$program"; mv ".$program.new" "$program"; }
rm -rf ".$program.new"
`;

/** Whether the init that a folder tells of lives: its line has pid, start and boot. */
const alive = `
alive() (
  read -r pid ticks boot <"$folder/init" || exit 1
  read -r now </proc/sys/kernel/random/boot_id
  [ "$boot" = "$now" ] && [ -r "/proc/$pid/stat" ] || exit 1
  stat=$(cat "/proc/$pid/stat") || exit 1
  set -f
  set -- \${stat##*) }
  [ "\${20}" = "$ticks" ] && [ "$1" != Z ]
) 2>/dev/null
`;

/**
 * Has the worker of a folder run: one that does is left alone. Its input is the worker's
 * configuration and its invitation, a line each, so that no secret stands on a command line.
 * Arguments: folder, program, head, tunnel or '', mark, unit, init, conf or '', name.
 */
export const startScript = `
set -eu
folder=$1 program=$2 head=$3 tunnel=$4 mark=$5 unit=$6 init=$7 conf=$8 name=$9
IFS= read -r config
IFS= read -r join
umask 022
# Its parent is there as long as the machine is ours: what was given back is not begun anew.
[ -d "$folder" ] || mkdir -m 711 "$folder"
mkdir -p "$folder/tunnels"
if [ -n "$tunnel" ]; then
  echo "$tunnel" >"$folder/tunnels/.$head"
  mv "$folder/tunnels/.$head" "$folder/tunnels/$head"
else
  rm -f "$folder/tunnels/$head"
fi
if [ -n "$conf" ] && [ -w "\${conf%/*}" ]; then
  { echo "SWM_SNAME=$name"; echo "SWM_TUNNEL=$tunnel"; } >"$conf.new"
  mv "$conf.new" "$conf"
fi
${alive}
if alive; then echo running; exit 0; fi
if [ -e "$folder/halt" ]; then echo "the machine is being removed" >&2; exit 8; fi
rm -f "$folder/init"
(umask 077 && echo "$config" >"$folder/swm.yaml" && echo "$join" >"$folder/join.json")
printf '%s' "$init" >"$folder/run"
cd "$folder"
set -- /bin/sh "$folder/run" 0 "$program/bin/swm" start \\
  --config "$folder/swm.yaml" --spool "$folder/spool"
path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# What Node has compiled is good for all workers of this program.
cache=$program/compiled
if [ -d /run/systemd/system ] && [ "$(id -u)" = 0 ] && command -v systemd-run >/dev/null; then
  systemd-run --quiet --collect --unit="$unit" -p KillMode=process -p Delegate=yes \\
    -p WorkingDirectory="$folder" --setenv=PATH="$path" --setenv=HOME="$folder" \\
    --setenv=SWM_GROUPS= --setenv=SWM_MACHINE="$mark" --setenv=NODE_COMPILE_CACHE="$cache" "$@"
else
  env -i PATH="$path" HOME="$folder" SWM_GROUPS= SWM_MACHINE="$mark" \\
    NODE_COMPILE_CACHE="$cache" setsid "$@" </dev/null >/dev/null 2>&1 &
fi
tries=0
until [ -s "$folder/init" ]; do
  tries=$((tries + 1))
  [ "$tries" -lt 500 ] || { echo "the worker was not started" >&2; exit 7; }
  sleep 0.02
done
echo started
`;

/**
 * Ends all that ever ran in a folder, then removes it. The dying may fork, so that only two looks
 * that find nothing are believed. Arguments: folder, mark, unit, name of its control groups.
 */
export const clearScript = `
set -u
folder=$1 mark=$2 unit=$3 groups=$4
[ -d "$folder" ] || exit 0
: >"$folder/halt"
ours() {
  {
    grep -lzxsF "SWM_MACHINE=$mark" /proc/[0-9]*/environ
    find /proc -maxdepth 2 -name cwd -lname "$folder*"
    find /sys/fs/cgroup -path "*/$groups*" -name cgroup.procs -exec cat {} +
  } 2>/dev/null | sed 's|^/proc/||; s|/.*||' | sort -u
}
[ ! -d /run/systemd/system ] || systemctl kill --signal=KILL "$unit" 2>/dev/null
end() {
  clean=0 tries=0
  while [ "$clean" -lt 2 ]; do
    found=$(ours)
    clean=$((clean + 1))
    [ -z "$found" ] || clean=0
    [ -z "$found" ] || kill -9 $found 2>/dev/null
    tries=$((tries + 1))
    if [ "$tries" -gt 300 ]; then echo "these do not die: "$found >&2; exit 6; fi
    [ -z "$found" ] || sleep 0.05
  done
}
end
find /sys/fs/cgroup -depth -type d -name "$groups*" -exec rmdir {} + 2>/dev/null
chmod -R u+rwX "$folder" 2>/dev/null
rm -rf "$folder"
# Whoever was about to start a worker there has failed, or is found now.
end
`;
