/**
 * The part of the keeper's program by which a slot runs one job: claim its record, fork, become the
 * job, wait, end what the job left, and write how it ended. See docs/decisions/process-slots.md.
 */
export const slotRun = String.raw`
# The job's groups are the slot's own from its first job of that account on. All that can be done
# before the fork is, since each page that the child touches must be copied first.
my $groups_now = '';

# False when the worker is gone before the claim.
sub run {
  my ($link, $me, $oom_file, $ooms, $record, $fence, $unenforced, @order) = @_;
  my @start = splice @order, 0, 9;
  return 0 unless wanted($link);
  my $file;
  if (!sysopen $file, $record, $RDWR | $CREAT | $APPEND, 0600) {
    news($link, 'broken', $! + 0);
    return 1;
  }
  my $claim = join ' ', 'starting', @$me, $BOOT, clock(0), 'own', $fence, $unenforced;
  if (!append($file, $claim)) { news($link, 'broken', $! + 0); return 1 }
  if (!leads($file, length($claim) + 3, qr/^(?:starting|refused) /, $claim)) {
    news($link, 'taken');
    return 1;
  }
  if (!wanted($link)) { append($file, 'void ' . clock(0)); return 0 }
  my %env = map { split /=/, $_, 2 } @order;
  delete @ENV{grep { !exists $env{$_} } keys %ENV};
  for (keys %env) { $ENV{$_} = $env{$_} if ($ENV{$_} // "\0") ne $env{$_} }
  my @why = prepare(@start);
  my $late = $start[2] ne '' && -p STDIN ? $start[2] : '';
  onto(\*STDIN, '/dev/null', 0) if $late ne '';
  my $pid = @why ? undef : launch($link, $file, length($claim) + 3, @start[1, 6], $late);
  failed($link, $file, @why ? @why : ('fork', $! + 0)) if !defined $pid;
  my ($code, $signal) = defined $pid ? wait_for($pid) : (0, 0);
  my $at = clock(0);
  my $oom = 0;
  if ($oom_file ne '') {
    # Counted for every job, also for one that got over it: the next must not be blamed for it.
    my $kills = oom_kills($oom_file);
    $oom = 1 if $code + $signal && $kills > $$ooms;
    $$ooms = $kills;
  }
  my @end = ($code, $signal, $oom, $at);
  if (defined $pid) {
    append($file, join ' ', 'done', @end);
    waitpid $pid, 0;
    sweep($file);
  }
  append($file, join ' ', 'exit', @end);
  chdir $home;
  onto(\*STDIN, '/dev/null', 0);
  onto($_, '/dev/null', $WRONLY) for \*STDOUT, \*STDERR;
  news($link, 'exit', @end);
  return 1;
}

# Whether the line just appended is the first of its sort: surely if the file has grown by it alone.
sub leads {
  my ($file, $size, $sort, $line) = @_;
  return 1 if sysseek($file, 0, 1) == $size;
  for (split /\n/, read_back($file)) {
    return $_ eq "$line ." if /$sort/ && / \.$/;
  }
  return 0;
}

sub failed {
  my ($link, $file, @why) = @_;
  append($file, join ' ', 'failed', @why);
  news($link, 'failed', @why);
}

# Opens what the job is given; returns why not.
sub prepare {
  my ($cwd, $script, $in, $out, $err, $trusted, $uid, $gid, $groups) = @_;
  my $flags = $WRONLY | $CREAT | $APPEND | $NOFOLLOW;
  for ([$out, 'o', \*STDOUT], [$err, 'e', \*STDERR]) {
    my ($path, $mark, $handle) = @$_;
    next if index($trusted, $mark) < 0;
    onto($handle, $path, $flags) or return ('log', $! + 0);
    chown $uid, -1, $handle;
  }
  if ($uid ne '') {
    if ($groups_now ne "$gid $groups") {
      $( = $gid;
      $) = $groups_now = "$gid $groups";
      return ('user', 1) if $( != $gid || $) != $gid;
    }
    $> = $uid;
    return ('user', 1) if $> != $uid;
  }
  my @why;
  if (!chdir $cwd) { @why = ('directory', $! + 0) }
  elsif ($in ne '' && !onto(\*STDIN, $in, 0)) { @why = ('stdin', $! + 0) }
  elsif (index($trusted, 'o') < 0 && !onto(\*STDOUT, $out, $flags)
      || index($trusted, 'e') < 0 && !onto(\*STDERR, $err, $flags)) { @why = ('log', $! + 0) }
  $> = $< if $uid ne '';
  return @why;
}

# The lowest number that is free is the one just closed. Nothing that a job may have put there, such
# as a pipe without another end, makes us wait; what is opened then waits as usual.
sub onto {
  my ($handle, $path, $flags) = @_;
  close $handle;
  sysopen $handle, $path, $flags | $NONBLOCK, 0600 or return 0;
  fcntl $handle, 4, $flags & $APPEND;
  return 1;
}

# Forks. The child itself tells who it is before it becomes the job, so that a job that runs is
# always known; its start lies between two looks at the clock, which costs less than asking for it.
# It calls little, since each page that it touches must be copied. A pipe to read from is opened by
# the job's process itself: it may have to wait for a writer, and can be stopped meanwhile.
sub launch {
  my ($link, $file, $size, $script, $uid, $late) = @_;
  my ($at, $from, $spec) = (clock(0), ticks(), "\0" x 16);
  my $pid = fork;
  return $pid if !defined $pid || $pid;
  syscall $SETSID;
  if ($uid ne '') {
    ($<, $>) = ($uid, $uid);
    if ($< != $uid || $> != $uid) { failed($link, $file, 'user', 1); exit 1 }
  }
  syscall $CLOCK, 7, $spec;
  my ($s, $ns) = unpack 'qq', $spec;
  my $line = "pid $$ $from " . int($s * 100 + $ns / 1e7) . " $at .\n";
  syswrite $file, $line;
  if (sysseek($file, 0, 1) != $size + length $line) {
    exit 1 if !leads($file, 0, qr/^(?:pid|refused|void) /, substr $line, 0, -3);
  }
  syswrite $link, "pid $$ $at\n";
  if ($late ne '') {
    close STDIN;
    sysopen STDIN, $late, 0 or complain($late, $! + 0);
  }
  exec { $script } $script;
  become($script, $! + 0);
}

# How the job's process ended, while it is still there to be seen by the keeper: were we killed
# after it was reaped and before its end is written, nobody would know (WEXITED, WNOWAIT).
sub wait_for {
  my ($pid) = @_;
  while (1) {
    my $info = "\0" x 128;
    next if syscall($WAITID, 0, 0, $info, 0x01000004, 0) != 0;
    my ($how, $who, $status) = unpack 'x8 l x4 l x4 l', $info;
    return $how == 1 ? ($status, 0) : (0, $status) if $who == $pid;
    waitpid $who, 0;
  }
}

# All that the job left is a child of ours by now, whatever it did to hide. It may finish for a
# moment, or until the deadline of a stop; then all is stopped, so that none forks away, and killed.
sub sweep {
  my ($file) = @_;
  my ($until, $pause, $pid) = (clock(0) + $LEFTOVER, 0.001);
  my $asked = 0;
  while (($pid = waitpid -1, $NOHANG) != -1) {
    next if $pid > 0;
    if (clock(0) >= $until && !$asked++) {
      ($until) = sort { $b <=> $a } $until, read_back($file) =~ /^stopping (\d+) \.$/mg;
    }
    if (clock(0) < $until) {
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
