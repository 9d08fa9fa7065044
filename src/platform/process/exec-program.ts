import { limits } from '../../protocol/limits.ts';

/**
 * The perl program that runs one command inside an attempt, speaks the frames of
 * protocol/exec-frame.ts on its stdin and stdout, and leaves nothing of the command behind,
 * however it ends: by itself, by a signal to us, by the end of our stdin or of our parent.
 *
 * Arguments: numbers of the calls setsid and prctl. The first frame, `G`, has fields between NULs:
 * how many files make it a member of the attempt's cgroups, those, its directory, uid, gid and
 * groups, `columns rows` of its terminal or '', how many words it has, those, and its environment.
 */
const program = String.raw`use strict;
my ($SETSID, $PRCTL) = map { $_ + 0 } @ARGV;
my ($WRONLY, $RDWR, $NOCTTY, $NONBLOCK) = (1, 2, 0400, 04000);
my ($EINTR, $EAGAIN) = (4, 11);
my ($PART, $KEPT, $FRAME, $IDLE, $ROUNDS) = (65536, 1 << 20, MAX, 10, 500);
my ($SCTTY, $SWINSZ, $GPTN, $SPTLCK) = (0x540e, 0x5414, 0x80045430, 0x40045431);
my $PARENT = getppid;
my $gone = 0;
$SIG{$_} = sub { $gone = 1 } for qw(TERM INT HUP);
$SIG{$_} = sub {} for qw(PIPE CHLD);    # unlike IGNORE, a handler does not outlive exec
$0 = 'swm-exec';
umask 022;
syscall $PRCTL, 36, 1, 0, 0, 0;    # whatever it leaves becomes a child of ours
my $heard = '';
my @order = first();
my @procs = splice @order, 0, shift @order;
my ($dir, $uid, $gid, $groups, $window) = splice @order, 0, 5;
my @words = splice @order, 0, shift @order;
my %env = map { split /=/, $_, 2 } @order;
my ($master, $slave) = $window eq '' ? () : terminal();
my (%out, $to, @ends);
if ($master) { ($to, %out) = ($master, O => $master) }
else {
  pipe $ends[0], $to and pipe $out{O}, $ends[1] and pipe $out{E}, $ends[2] or die "pipe: $!";
}
my $child = fork // die "fork: $!";
become() unless $child;
close $_ for @ends;
fcntl $to, 4, $RDWR | $NONBLOCK;
my ($code, $idle, $rounds, $ended, $pending) = (undef, 0, 0, 0, '');
obey();
watch() until $gone || defined $code && (!%out || $idle > $IDLE || ++$rounds > $ROUNDS);
close $_ for grep { defined } $to, $master;
sweep();
put(X => $code) if defined $code && !$gone;
exit 0;

# The frame that says what to do; without it there is nothing to be done.
sub first {
  while (!$gone) {
    my @found = take();
    return split /\0/, $found[1], -1 if @found && $found[0] eq 'G';
    my $got = sysread STDIN, $heard, $PART, length $heard;
    last if defined $got ? !$got : $! != $EINTR;
  }
  exit 1;
}

sub take {
  return if length $heard < 5;
  my ($kind, $size) = unpack 'aN', $heard;
  exit sweep() if $size > $FRAME;
  return if length $heard < 5 + $size;
  my $text = substr $heard, 5, $size;
  substr $heard, 0, 5 + $size, '';
  return ($kind, $text);
}

# A pseudo-terminal that belongs to the job's account, since that is who opens it.
sub terminal {
  $> = $uid if $uid ne '';
  my $opened = sysopen my $file, '/dev/ptmx', $RDWR | $NOCTTY;
  $> = $<;
  $opened or die "/dev/ptmx: $!";
  my ($open, $number) = (pack('i', 0), pack 'i', 0);
  ioctl $file, $SPTLCK, $open and ioctl $file, $GPTN, $number or die "a terminal: $!";
  resize($file, $window);
  return ($file, '/dev/pts/' . unpack 'i', $number);
}

sub resize {
  my ($file, $text) = @_;
  my ($columns, $rows) = $text =~ /^(\d{1,5}) (\d{1,5})\z/ or return;
  ioctl $file, $SWINSZ, pack 'S4', $rows, $columns, 0, 0;
}

# The child: it joins the attempt while it still may, then has no more rights than that.
sub become {
  if ($master) {
    close STDIN;
    sysopen STDIN, $slave, $RDWR | $NOCTTY or exit 126;
    open $_, '>&', \*STDIN for \*STDOUT, \*STDERR;
  } else {
    open STDIN, '<&', $ends[0];
    open STDOUT, '>&', $ends[1];
    open STDERR, '>&', $ends[2];
  }
  for (@procs) {
    my $file;
    my $joined = sysopen($file, $_, $WRONLY) && syswrite $file, $$;
    complain('its limits cannot be had', 126) if !$joined;
  }
  syscall $SETSID;
  ioctl STDIN, $SCTTY, 0 if $master;
  syscall $PRCTL, 38, 1, 0, 0, 0 if $> == 0;
  if ($uid ne '') {
    $( = $gid;
    $) = "$gid $groups";
    ($<, $>) = ($uid, $uid);
    complain('its account cannot be had', 126) if $< != $uid || $> != $uid || $( != $gid;
  }
  chdir $dir or complain("$dir: $!", 126);
  %ENV = %env;
  $SIG{$_} = 'DEFAULT' for qw(TERM INT HUP PIPE CHLD);
  if (!@words) {
    my ($shell) = grep { -x } '/bin/bash', '/bin/sh';
    exec { $shell } $shell =~ s{.*/}{-}r;
    complain("$shell: $!", 126);
  }
  exec { $words[0] } @words;
  complain("$words[0]: $!", $! == 2 ? 127 : 126);
}

sub complain {
  my ($why, $code) = @_;
  syswrite STDERR, "swm: $why\n";
  exit $code;
}

# Hears and says what there is to hear and say, and looks whether it has ended.
sub watch {
  my ($reads, $writes) = ('', '');
  vec($reads, 0, 1) = 1 if length $pending < $KEPT;
  vec($reads, fileno $_, 1) = 1 for values %out;
  vec($writes, fileno $to, 1) = 1 if $to && length $pending;
  my ($ready, $room) = ($reads, $writes);
  my $found = select $ready, $room, undef, defined $code ? 0.02 : 0.5;
  ($ready, $room) = ('', '') if $found <= 0;
  # What it has left running may say its last for a moment.
  $idle = $found || !defined $code ? 0 : $idle + 1;
  return $gone = 1 if getppid != $PARENT;
  hear() if vec $ready, 0, 1;
  pass() if $to && vec $room, fileno $to, 1;
  for my $kind (sort keys %out) {
    my $file = $out{$kind};
    next unless vec $ready, fileno $file, 1;
    my $read = sysread $file, (my $text), $PART;
    if ($read) { put($kind, $text) }
    elsif (defined $read || $! != $EINTR && $! != $EAGAIN) { delete $out{$kind} }
  }
  while ((my $pid = waitpid(-1, 1)) > 0) {
    next if $pid != $child;
    $code = $? & 127 ? 128 + ($? & 127) : $? >> 8;
  }
}

sub hear {
  my $read = sysread STDIN, $heard, $PART, length $heard;
  return if !defined $read && $! == $EINTR;
  return $gone = 1 if !$read;
  obey();
}

sub obey {
  while (my ($kind, $text) = take()) {
    resize($master, $text) if $kind eq 'W' && $master;
    next if $kind ne 'I' || $ended;
    $pending .= $text;
    next if length $text;
    $ended = 1;
    $pending .= "\4" if $master;
  }
  shut() if $ended && !length $pending;
}

sub pass {
  my $sent = syswrite $to, $pending, $PART;
  if (defined $sent) { substr $pending, 0, $sent, '' }
  elsif ($! != $EINTR && $! != $EAGAIN) { $pending = ''; $ended = 1 }
  shut() if $ended && !length $pending;
}

sub shut {
  close $to if $to && !$master;
  $to = undef if !$master;
}

# Whole, or not at all: whoever does not read any more has left.
sub put {
  my $text = pack 'aN/a*', @_;
  while (length $text && !$gone) {
    my $sent = syswrite STDOUT, $text;
    if (defined $sent) { substr $text, 0, $sent, '' }
    elsif ($! != $EINTR) { $gone = 1 }
  }
}

# Stops all that descends from us until nothing new is seen, and kills it.
sub sweep {
  while ((my $pid = waitpid(-1, 1)) != -1) {
    next if $pid > 0;
    my (%seen, @fresh);
    kill STOP => @fresh while @fresh = grep { !$seen{$_}++ } descendants();
    kill KILL => keys %seen;
    select undef, undef, undef, 0.002;
  }
  return 0;
}

sub descendants {
  my %children;
  opendir my $proc, '/proc' or return;
  for my $pid (grep { /^\d+$/ } readdir $proc) {
    sysopen my $file, "/proc/$pid/stat", 0 or next;
    sysread $file, (my $text), 4096 or next;
    my ($state, $parent) = split ' ', substr $text, rindex($text, ')') + 2;
    push @{$children{$parent}}, $pid if $state ne 'Z';
  }
  my @found = my @next = @{$children{$$} || []};
  push @found, @next while @next = map { @{$children{$_} || []} } @next;
  return @found;
}
`;

/** The whole program. */
export const execProgram = program.replace('MAX', `${limits.execFrameBytesMax}`);
