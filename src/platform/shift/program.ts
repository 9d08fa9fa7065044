import { limits } from '../../protocol/limits.ts';
import { PERL, systemCalls } from '../process/launcher.ts';
import { becoming, looking } from '../process/perl-parts.ts';

/**
 * What a shift runs in the place of the script: it runs that once for each task that it is
 * granted, one after the other, with no process between itself and the task. Beside it lie `task`,
 * the script; `grants`, a line for each thing that it is told; and `index`, to which it appends a
 * record of fixed length for each task that ended: its place, how, a code, and how long both logs
 * are then.
 *
 * Grants: `grant NUMBER FROM-TO,…`, each number once; `cancel FROM-TO,…`; `back`, that it is to
 * return what it has not begun; `over`.
 */
const program = String.raw`#!PERL
use strict;
my ($SETSID, $PRCTL, $CLOCK, $WAITID) = (CALLS);
my ($TASK_MS, $GRACE_MS, $LEFTOVER_MS, $RECORD) = (SETTINGS);
my ($first, $step) = @ENV{qw(SWM_ARRAY_TASK_MIN SWM_ARRAY_TASK_STEP)};
my ($here) = $0 =~ m{^(.*)/}s;
my $task = "$here/task";
sysopen my $grants, "$here/grants", 0 or die "grants: $!";
sysopen my $index, "$here/index", 02001 or die "index: $!";
my ($text, $known, @queue, @unwanted, $over) = ('', 0);
my @lengths = (0, 0);
$0 = 'swm-shift';
# What a task leaves behind becomes a child of ours, and is ended before the next begins.
syscall $PRCTL, 36, 1, 0, 0, 0;
# Unlike IGNORE, a handler does not outlive exec. Each second it interrupts a wait for a task, so
# that the time is looked at, and what was heard meanwhile.
$SIG{PIPE} = sub {};
$SIG{ALRM} = sub { alarm 1 };
alarm 1;

while (1) {
  hear();
  if (!@queue) {
    exit 0 if $over;
    nap(0.01);
    next;
  }
  my $place = $queue[0][0]++;
  shift @queue if $queue[0][0] > $queue[0][1];
  note($place, is_unwanted($place) ? ('c', 0) : run($place));
}

# Lines that have come meanwhile; one is whole when its end is there.
sub hear {
  return unless -s $grants > $known;
  $known += sysread $grants, $text, 65536, length $text;
  while ($text =~ s/^([^\n]*)\n//) {
    my ($what, @words) = split ' ', $1;
    if ($what eq 'over') { $over = 1 }
    elsif ($what eq 'cancel') { push @unwanted, spans($words[0]) }
    elsif ($what eq 'back') { give_back() }
    elsif ($what eq 'grant' && $words[0] > our $last) {
      $last = $words[0];
      push @queue, spans($words[1]);
    }
  }
}

# Another may begin them sooner. What the logs have by now is of the task that runs.
sub give_back {
  for (splice @queue) { append($_, 'b', 0) for $$_[0] .. $$_[1] }
}

sub spans { return map { [split /-/] } split /,/, $_[0] }

sub is_unwanted {
  my ($place) = @_;
  for (@unwanted) { return 1 if $place >= $$_[0] && $place <= $$_[1] }
  return 0;
}

# How it ended: e and its exit code, k and a signal, l if it took too long, c if it was cancelled.
sub run {
  my ($place) = @_;
  $ENV{SWM_ARRAY_TASK_ID} = $first + $place * $step;
  $ENV{SLURM_ARRAY_TASK_ID} = $ENV{SWM_ARRAY_TASK_ID} if $ENV{SLURM_ARRAY_JOB_ID};
  sysseek STDIN, 0, 0;
  my $pid = fork;
  if (!defined $pid) { nap(0.1); return run($place) }
  if (!$pid) {
    syscall $SETSID;
    exec { $task } $task;
    become($task, $! + 0);
  }
  my $until = $TASK_MS ? clock(7) + $TASK_MS : 0;
  my ($why, $kill_at);
  # Only looks (P_PID, WEXITED, WNOWAIT): Perl's own call would go on after an interruption.
  while (syscall($WAITID, 1, $pid, my $info = "\0" x 128, 0x01000004, 0) != 0) {
    hear();
    my $now = clock(7);
    $why ||= is_unwanted($place) ? 'c' : $until && $now >= $until ? 'l' : '';
    next unless $why;
    kill TERM => -$pid if !$kill_at;
    $kill_at ||= $now + $GRACE_MS;
    kill KILL => -$pid if $now >= $kill_at;
  }
  waitpid $pid, 0;
  my $status = $?;
  sweep();
  return ($why, $status & 127) if $why;
  return $status & 127 ? ('k', $status & 127) : ('e', $status >> 8);
}

sub note {
  @lengths = (-s STDOUT || 0, -s STDERR || 0);
  append(@_);
}

sub append {
  my $line = join ' ', @_, @lengths;
  syswrite $index, sprintf '%-' . ($RECORD - 1) . "s\n", $line;
}

# It may finish for a moment; then all is stopped, so that none forks away, and killed.
sub sweep {
  my ($until, $pause, $pid) = (0, 0.001);
  while (($pid = waitpid -1, 1) != -1) {
    next if $pid > 0;
    my $now = clock(7);
    $until ||= $now + $LEFTOVER_MS;
    if ($now < $until) {
      nap($pause);
      $pause *= 2 if $pause < 0.02;
      next;
    }
    my (%seen, @fresh);
    kill STOP => @fresh while @fresh = grep { !$seen{$_}++ } descendants();
    kill KILL => keys %seen;
    nap(0.002);
  }
}
`;

/** Bytes of a record of the index. */
export const RECORD = 48;

/** What is left of a task may still say its last so long. */
const LEFTOVER_MS = 200;

/** The program for tasks that may run so long, ms; 0: as long as they like. */
export function shiftProgram(taskMs: number): string {
  const calls = systemCalls() ?? [];
  const settings = [taskMs, limits.graceMs, LEFTOVER_MS, RECORD];
  return (program + becoming + looking)
    .replace('PERL', PERL)
    .replace('CALLS', calls.join(', '))
    .replace('SETTINGS', settings.join(', '));
}
