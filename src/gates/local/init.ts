/**
 * The init of a machine: a constant shell program that outlives the head. It is started in the
 * machine's folder, in a session of its own, with the machine's control groups in `SWM_GROUPS`, one
 * a line; its arguments are the seconds that booting takes, and then the worker's command. It
 * writes who it is into `init`, once: a second one ends there. Then it starts the worker again
 * whenever that ends, until a file `halt` is there.
 */
export const initScript = `
set -u
groups=$SWM_GROUPS
unset SWM_GROUPS
enter() {
  set -f
  IFS='
'
  for group in $groups; do
    { echo "$2" >"$group/$1/cgroup.procs"; } 2>/dev/null
  done
}
(enter init $$)
identify() {
  set -f
  read -r line </proc/$$/stat
  set -- $line
  ticks=\${22}
  read -r boot </proc/sys/kernel/random/boot_id
}
identify
(umask 077 && : >>machine.log)
set -C
{ echo "$$ $ticks $boot" >init; } 2>/dev/null || exit 0
set +C
[ "$1" = 0 ] || sleep "$1"
shift
quick=0
while [ ! -e halt ]; do
  read -r up rest </proc/uptime
  begun=\${up%.*}
  (enter worker 0; exec "$@") </dev/null >>machine.log 2>&1
  code=$?
  [ ! -e halt ] || break
  echo "machine: the worker ended with $code" >>machine.log
  [ "$(wc -c <machine.log)" -lt 4194304 ] || mv machine.log machine.log.old
  read -r up rest </proc/uptime
  [ $((\${up%.*} - begun)) -lt 10 ] || quick=0
  case $quick in 0 | 1) sleep 0.2 ;; 2) sleep 1 ;; *) sleep 5 ;; esac
  quick=$((quick + 1))
done
`;

/** The line that it writes: it counts only with its end. */
export const initLine = /^(\d+) (\d+) ([0-9a-f-]{36})\n$/;
