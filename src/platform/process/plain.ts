/**
 * What starts jobs where there is no perl: one Node process that stands for all slots and speaks as
 * they do. It is slower (a shell more for each job), has no cgroups, and when it is killed the exit
 * codes of all that it ran are lost; but each start is claimed by the same rules.
 *
 * Arguments: the boot id; how many ms what is left of a job may go on; the socket.
 */
const shell = `
start=
ticks() { shift 21; start=$1; }
fail() { echo "failed $1 0 ." >&3; echo "failed $1 0" >&5; exit 1; }
at=$1 dir=$2 script=$3 shell=$4 word=$5 in=$6 out=$7 err=$8
cd -- "$dir" 2>/dev/null || fail directory
[ -z "$in" ] || [ -r "$in" ] || fail stdin
[ -z "$in" ] || [ -p "$in" ] || exec <"$in"
[ -z "$out" ] || { ! [ -p "$out" ] && : 2>/dev/null >>"$out"; } || fail log
[ -z "$err" ] || { ! [ -p "$err" ] && : 2>/dev/null >>"$err"; } || fail log
[ -z "$out" ] || exec >>"$out"
[ -z "$err" ] || exec 2>>"$err"
read -r stat </proc/$$/stat
ticks $stat
unset OLDPWD
echo "pid $$ $start $start $at ." >&3
while read -r first rest; do
  case $first in pid) break ;; refused|void) exit 1 ;; esac
done <&4
echo "pid $$ $at" >&5
exec 3>&- 4>&- 5>&-
if [ -p "$in" ]; then exec <"$in"; fi
if [ -x "$script" ]; then set -- "$script"; else
  if [ -n "$word" ]; then set -- "$shell" "$word" "$script"; else set -- "$shell" "$script"; fi
fi
exec "$@"
`;

const program = String.raw`'use strict';
const fs = require('node:fs');
const net = require('node:net');
const { spawn } = require('node:child_process');
const { basename } = require('node:path');
const [boot, leftoverMs, socketPath] = process.argv.slice(2);
const signals = require('node:os').constants.signals;
const { O_WRONLY, O_RDWR, O_CREAT, O_APPEND, O_NOFOLLOW } = fs.constants;
process.title = 'swm-keeper';
process.umask(0o022);

const attempted = (act, otherwise) => { try { return act(); } catch { return otherwise; } };
const statOf = (pid) => {
  const text = attempted(() => fs.readFileSync('/proc/' + pid + '/stat', 'latin1'), '');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
};
const me = process.pid + ' ' + statOf(process.pid)[19];

function hear(stream, taken) {
  let rest = Buffer.alloc(0);
  stream.on('error', () => {});
  stream.on('data', (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    for (;;) {
      const head = rest.indexOf(10) + 1;
      const end = head + Number(rest.subarray(0, Math.max(0, head - 1)));
      if (head === 0 || rest.length < end) return;
      const fields = rest.subarray(head, end).toString().split('\0');
      rest = rest.subarray(end);
      taken(fields);
    }
  });
}

hear(process.stdin, ([id]) => {
  const link = net.connect(socketPath, () => link.write('hello ' + id + ' ' + me + ' 0\n'));
  hear(link, (fields) => run(link, fields));
});
process.stderr.on('error', () => {});

const append = (file, line) => fs.writeSync(file, line + ' .\n');
const first = (record, words) =>
  fs.readFileSync(record, 'latin1').split('\n').find((line) =>
    words.includes(line.split(' ')[0]) && line.endsWith(' .'));

function run(link, [record, fence, unenforced, ...order]) {
  const say = (text) => { if (!link.destroyed) link.write(text + '\n'); };
  if (link.destroyed || link.readableEnded) return;
  let file;
  try {
    file = fs.openSync(record, O_RDWR | O_CREAT | O_APPEND, 0o600);
    const claim = ['starting', me, boot, Date.now(), 'shared', fence, unenforced].join(' ');
    append(file, claim);
    if (first(record, ['starting', 'refused']) !== claim + ' .') {
      fs.closeSync(file);
      return say('taken');
    }
  } catch (error) {
    return say('broken ' + -(error.errno ?? 0));
  }
  const env = Object.fromEntries(order.slice(9).map((text) => {
    const at = text.indexOf('=');
    return [text.slice(0, at), text.slice(at + 1)];
  }));
  start(record, file, order, env, say, (code, signal, at) => {
    const end = [code ?? 0, signal ? signals[signal] : 0, 0, at].join(' ');
    append(file, 'done ' + end);
    sweep(env, record, () => {
      append(file, 'exit ' + end);
      fs.closeSync(file);
      say('exit ' + end);
    });
  });
}

function start(record, file, order, env, say, ended) {
  const [cwd, script, stdin, out, err, trusted, uid, gid] = order;
  const opened = [];
  let at = 0;
  const fail = (step, error) => {
    const line = 'failed ' + step + ' ' + -(error.errno ?? 0);
    append(file, line);
    say(line);
    for (const fd of opened) attempted(() => fs.closeSync(fd));
    ended(1, null, Date.now());
  };
  const onto = (path) => {
    const fd = fs.openSync(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0o600);
    opened.push(fd);
    if (uid !== '') fs.fchownSync(fd, Number(uid), -1);
    return fd;
  };
  let logs;
  try {
    logs = [['o', out], ['e', err]].map(([mark, path]) =>
      trusted.includes(mark) ? onto(path) : 'ignore');
    opened.push(fs.openSync(record, 'r'));
  } catch (error) {
    return fail('log', error);
  }
  const [shell, word] = interpreter(script);
  const asks = [logs[0] === 'ignore' ? out : '', logs[1] === 'ignore' ? err : ''];
  const words = [String(Date.now()), cwd, script, shell, word, stdin, ...asks];
  const child = spawn('/bin/sh', ['-c', SHELL, 'sh', ...words], {
    detached: true, env, stdio: ['ignore', ...logs, file, opened.at(-1), 'pipe'],
    ...(uid === '' ? {} : { uid: Number(uid), gid: Number(gid) }),
  });
  for (const fd of opened.splice(0)) fs.closeSync(fd);
  child.stdio[5].on('data', (text) => say(String(text).trim()));
  child.on('error', (error) => fail('fork', error));
  child.on('exit', () => { at = Date.now(); });
  child.on('close', (code, signal) => ended(code, signal, at));
}

function interpreter(script) {
  const head = attempted(() => {
    const file = fs.openSync(script, 'r');
    const bytes = Buffer.alloc(512);
    const size = fs.readSync(file, bytes, 0, 512, 0);
    fs.closeSync(file);
    return bytes.toString('latin1', 0, size);
  }, '');
  const found = /^#![ \t]*([^ \t\n]+)[ \t]*([^\n]*)/.exec(head);
  return found ? [found[1], found[2].trim()] : ['/bin/sh', ''];
}

function sweep(env, record, done) {
  const marks = ['SWM_JOB_ID', 'SWM_ATTEMPT', 'SWM_RANK']
    .map((name) => '\0' + name + '=' + env[name] + '\0');
  let until = Date.now() + Number(leftoverMs);
  let asked = false;
  const look = () => {
    const left = fs.readdirSync('/proc').filter((pid) => /^\d+$/.test(pid)).filter((pid) => {
      const text = attempted(() => fs.readFileSync('/proc/' + pid + '/environ', 'utf8'), '');
      const bears = text !== '' && marks.every((mark) => ('\0' + text + '\0').includes(mark));
      return bears && !'ZX'.includes(statOf(pid)[0]);
    });
    if (left.length === 0) return done();
    if (Date.now() >= until && !asked) {
      asked = true;
      for (const [, at] of fs.readFileSync(record, 'latin1').matchAll(/^stopping (\d+) \.$/gm))
        until = Math.max(until, Number(at));
    }
    if (Date.now() >= until)
      for (const name of ['SIGSTOP', 'SIGKILL'])
        for (const pid of left) attempted(() => process.kill(Number(pid), name));
    setTimeout(look, Date.now() >= until ? 2 : 20);
  };
  look();
}
`;

/** The whole program. */
export const plainProgram = `const SHELL = ${JSON.stringify(shell)};\n${program}`;
