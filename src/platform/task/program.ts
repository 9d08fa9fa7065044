import { taskAgent } from './agent.ts';
import { taskCommand } from './command.ts';

/**
 * What `swm task` is, as perl, which every worker has: the *command* that a script runs on the main
 * node, and the *agent* that runs on each other in the place of the script, as part of the job like
 * any process of it. Workers and heads only join a connection of the command with one of an agent.
 *
 * A frame is a letter, four bytes of length, and its text. Command to agent: `T` id, bytes had,
 * number of tasks, words of the command; `A` bytes had; `S` a signal. Back comes the task's *log*:
 * `O` and `E`, what it printed, and `X`, its exit code. An agent keeps of it what the command has
 * not had, so that over another connection both go on where they were. `F` says why nothing comes.
 */
const common = String.raw`use strict;
use Socket;
use Errno qw(EAGAIN EINTR);
# Unlike IGNORE, a handler does not outlive exec; and the end of a child is noticed at once.
$SIG{PIPE} = $SIG{CHLD} = sub {};
my $PART = 65536;
# What tasks are told of, besides their end.
my @FORWARDED = qw(INT TERM HUP USR1 USR2);

sub frame { return pack 'aN/a*', @_ }

# Takes the whole frames off a buffer.
sub frames {
  my ($buffer) = @_;
  my @found;
  while (length $$buffer >= 5) {
    my $size = unpack 'xN', $$buffer;
    last if length $$buffer < 5 + $size;
    push @found, [substr($$buffer, 0, 1), substr $$buffer, 5, $size];
    substr $$buffer, 0, 5 + $size, '';
  }
  return @found;
}

# The worker's socket for this job. A path that is too long for the system goes by its folder.
sub dial {
  my $path = $ENV{SWM_TASK_SOCKET};
  my $folder;
  if (length $path > 100) {
    my ($above, $name) = $path =~ m{^(.*)/(.*)$}s;
    sysopen $folder, $above, 010000000 or return;
    $path = '/proc/self/fd/' . fileno($folder) . "/$name";
  }
  socket my $socket, PF_UNIX, SOCK_STREAM, 0 or return;
  connect $socket, sockaddr_un($path) or return;
  return $socket;
}

# Runs a command in a group of its own. What it prints is read from two pipes.
sub launch {
  my ($rank, $number, @words) = @_;
  my ($out, $out_end, $err, $err_end);
  pipe $out, $out_end and pipe $err, $err_end or die "pipe: $!";
  my $pid = fork // die "fork: $!";
  return { pid => $pid, pipes => { O => $out, E => $err } } if $pid;
  setpgrp 0, 0;
  open STDIN, '<', '/dev/null';
  open STDOUT, '>&', $out_end;
  open STDERR, '>&', $err_end;
  $ENV{SWM_TASK_RANK} = $rank;
  $ENV{SWM_TASKS_NUMBER} = $number;
  $SIG{$_} = 'DEFAULT' for @FORWARDED, 'CHLD';
  exec { $words[0] } @words;
  my $code = $! == 2 ? 127 : 126;
  print STDERR "swm: $words[0]: $!\n";
  exit $code;
}

# Has its end in hand: after it, what it left running has a moment to say its last.
sub reap {
  my ($task) = @_;
  if (!defined $task->{code} && waitpid($task->{pid}, 1) == $task->{pid}) {
    $task->{code} = $? & 127 ? 128 + ($? & 127) : $? >> 8;
    $task->{until} = time + 1;
  }
  return 0 unless defined $task->{code};
  return 0 if %{$task->{pipes}} && time < $task->{until};
  kill KILL => -$task->{pid};
  return 1;
}

# Reads what there is of a task that select has found readable.
sub hear {
  my ($task, $ready, $take) = @_;
  for my $kind (sort keys %{$task->{pipes}}) {
    my $pipe = $task->{pipes}{$kind};
    next unless vec $ready, fileno($pipe), 1;
    my $read = sysread $pipe, my $text, $PART;
    if ($read) { $take->($kind, $text) }
    elsif (defined $read || $! != EINTR) { delete $task->{pipes}{$kind} }
  }
}

sub watch {
  my ($bits, @files) = @_;
  vec($$bits, fileno($_), 1) = 1 for @files;
}
`;

export const commandProgram = `#!/usr/bin/perl\n${taskCommand.replace('COMMON', () => common)}`;
export const agentProgram = `#!/usr/bin/perl\n${taskAgent.replace('COMMON', () => common)}`;
