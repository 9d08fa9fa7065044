import { slotRun } from './keeper-run.ts';
import { becoming, looking } from './perl-parts.ts';

/**
 * The perl program that starts jobs: one keeper and, forked from it, a slot for each job that runs.
 * Perl is in Debian's essential set and tells an exit code from a signal; it needs no module here
 * (POSIX alone costs 20 ms and makes each fork dearer). It must not hold a dollar before a brace.
 *
 * Arguments: numbers of the calls setsid, prctl, clock_gettime and waitid; O_NOFOLLOW; the boot
 * id; how many ms what is left of a job may go on; the socket, in the working directory, which also
 * holds the records. On stdin come frames `id, oom file or '', cgroup.procs…`, each a slot to fork.
 */
const keeper = String.raw`use strict;
my ($SETSID, $PRCTL, $CLOCK, $WAITID, $NOFOLLOW) = map { $_ + 0 } @ARGV[0 .. 4];
my ($BOOT, $LEFTOVER, $SOCKET) = @ARGV[5 .. 7];
my ($WRONLY, $RDWR, $CREAT, $APPEND, $NONBLOCK) = (1, 2, 0100, 02000, 04000);
my $NOHANG = 1;
umask 022;
$SIG{PIPE} = sub {};    # unlike IGNORE, a handler does not outlive exec
$0 = 'swm-keeper';
close_all();
opendir my $home, '.';
keep();
exit 0;

# As the kernel counts the start of a process.
sub ticks { return int(clock(7) / 10) }

# A line counts when its end is there, so one write tells all or nothing.
sub append {
  my ($file, $line) = @_;
  my $whole = "$line .\n";
  return (syswrite($file, $whole) // 0) == length $whole;
}

sub read_back {
  my ($file) = @_;
  sysseek $file, 0, 0;
  my $text = '';
  1 while sysread $file, $text, 65536, length $text;
  return $text;
}

sub take_frame {
  my ($buffer) = @_;
  return unless $$buffer =~ /^(\d+)\n/;
  my ($size, $head) = ($1, 1 + length $1);
  return if length $$buffer < $head + $size;
  my $frame = substr $$buffer, $head, $size;
  substr($$buffer, 0, $head + $size) = '';
  return [split /\0/, $frame, -1];
}

# Forks slots as they are asked for. The orphans of a slot that was killed become its children, so
# that the exit status of a job is known even then.
sub keep {
  syscall $PRCTL, 36, 1, 0, 0, 0;
  my ($buffer, $open, %slots, @cgroups) = ('', 1);
  $SIG{CHLD} = sub {};
  while ($open || reap(\%slots, \@cgroups)) {
    my $ready = '';
    vec($ready, 0, 1) = 1 if $open;
    my $found = select $ready, undef, undef, 1;
    if ($open && $found > 0) {
      my $got = sysread STDIN, $buffer, 65536, length $buffer;
      $open = 0 if defined $got ? $got == 0 : $! != 4;
      while (my $frame = take_frame(\$buffer)) {
        my $pid = fork;
        next unless defined $pid;
        if (!$pid) { slot(@$frame); exit 0 }
        $slots{$pid} = [map { s{/[^/]*$}{}r } @$frame[2 .. $#$frame]];
      }
    }
    reap(\%slots, \@cgroups);
  }
}

# True while there are children. The end of an orphan is written before it is reaped: who sees
# that the process is gone finds the file. So waitid only looks (WEXITED, WNOHANG, WNOWAIT). The
# cgroups of a slot go when the last that lived in them is gone.
sub reap {
  my ($slots, $cgroups) = @_;
  my $more = 1;
  while ($more) {
    my $info = "\0" x 128;
    if (syscall($WAITID, 0, 0, $info, 0x01000005, 0) != 0) { $more = 0 if $! != 4; next }
    my ($how, $pid, $status) = unpack 'x8 l x4 l x4 l', $info;
    last if !$pid;
    my $dirs = delete $$slots{$pid};
    if ($dirs) { push @$cgroups, @$dirs }
    elsif (getpgrp($pid) == $pid) {
      my $start = (stat_of($pid))[19];
      my @end = ('exit', $how == 1 ? ($status, 0) : (0, $status), 0, clock(0));
      append($_, join ' ', @end, $start) for opened("orphan.$pid");
    }
    waitpid $pid, 0;
  }
  @$cgroups = grep { !rmdir $_ and $! == 16 } @$cgroups;
  return $more;
}

# What the worker itself inherited is no business of a job.
sub close_all {
  opendir my $dir, '/proc/self/fd' or return;
  for (grep { /^\d+$/ && $_ > 2 && $_ != fileno $dir } readdir $dir) {
    open my $file, '<&=', $_ or next;
    close $file;
  }
}

sub opened {
  sysopen my $file, $_[0], $WRONLY | $CREAT | $APPEND, 0600 or return;
  return $file;
}

# Runs one job after the other, as the other end of its socket orders, and ends with that.
sub slot {
  my ($id, $oom_file, @cgroups) = @_;
  $0 = 'swm-slot';
  $SIG{CHLD} = 'DEFAULT';
  onto(\*STDIN, '/dev/null', 0);
  onto(\*STDERR, '/dev/null', $WRONLY);
  syscall $SETSID;
  syscall $PRCTL, 36, 1, 0, 0, 0;
  syscall $PRCTL, 38, 1, 0, 0, 0 if $> == 0;    # jobs gain no rights by what they execute
  my $joined = 1;
  for (@cgroups) {
    my $file;
    $joined = 0 unless sysopen($file, $_, $WRONLY) && syswrite $file, $$;
  }
  socket my $link, 1, 1, 0 or return;
  connect $link, pack 'S a108', 1, $SOCKET or return;
  my @me = ($$, (stat_of($$))[19]);
  my $ooms = oom_kills($oom_file);
  news($link, 'hello', $id, @me, $joined);
  my $buffer = '';
  while (1) {
    while (my $frame = take_frame(\$buffer)) {
      run($link, \@me, $oom_file, \$ooms, @$frame) or return;
    }
    my $got = sysread $link, $buffer, 65536, length $buffer;
    return if defined $got ? $got == 0 : $! != 4;
  }
}

sub news { my $link = shift; syswrite $link, join(' ', @_) . "\n" }

sub oom_kills { return $_[0] ne '' && slurp($_[0]) =~ /^oom_kill (\d+)/m ? $1 : 0 }

# Whether the worker that ordered still lives: after its death no order of it may start.
sub wanted { return !defined recv $_[0], my $peek, 1, 0x42 }
`;

/** The whole program. */
export const keeperProgram = keeper + slotRun + becoming + looking;
