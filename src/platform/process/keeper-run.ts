/**
 * The part of the keeper's program by which a slot runs one job: claim its record, fork, become the
 * job, wait, end what the job left, and write how it ended. See docs/decisions/process-slots.md.
 */
export const slotRun = String.raw`
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
  my $claim = join ' ', 'starting', @$me, $BOOT, now(), 'own', $fence, $unenforced;
  if (!append($file, $claim)) { news($link, 'broken', $! + 0); return 1 }
  my ($first) = read_back($file) =~ /^((?:starting|refused) .*) \.$/m;
  if ($first ne $claim) { news($link, 'taken'); return 1 }
  if (!wanted($link)) { append($file, 'void ' . now()); return 0 }
  %ENV = map { split /=/, $_, 2 } @order;
  my $pid = fork;
  if (!defined $pid) { failed($link, $file, 'fork', $! + 0) }
  elsif (!$pid) { start($link, $file, @start); exit 1 }
  my $status = 0;
  if ($pid) {
    my $gone;
    do { $gone = wait; $status = $? } until $gone == $pid || $gone == -1 && $! != 4;
  }
  my $at = now();
  sweep($file);
  my $oom = 0;
  if ($status && $oom_file ne '') {
    my $kills = oom_kills($oom_file);
    $oom = $kills > $$ooms ? 1 : 0;
    $$ooms = $kills;
  }
  my @end = ('exit', $status >> 8, $status & 127, $oom, $at);
  append($file, join ' ', @end);
  news($link, @end);
  return 1;
}

sub failed {
  my ($link, $file, @why) = @_;
  append($file, join ' ', 'failed', @why);
  news($link, 'failed', @why);
}

# In the forked child: becomes the job, or says why not.
sub start {
  my ($link, $file, $cwd, $script, $in, $out, $err, $trusted, $uid, $gid, $groups) = @_;
  my @why;
  syscall $SETSID;
  onto(\*STDOUT, $out, $uid, \@why) if $trusted =~ /o/;
  onto(\*STDERR, $err, $uid, \@why) if $trusted =~ /e/;
  if ($uid ne '') {
    $( = $gid;
    $) = "$gid $groups";
    ($<, $>) = ($uid, $uid);
    push @why, 'user', 1 if $< != $uid || $> != $uid || $( != $gid || $) != $gid;
    syscall $PRCTL, 38, 1, 0, 0, 0;
  }
  push @why, 'directory', $! + 0 if !@why && !chdir $cwd;
  if (!@why && $in ne '') {
    close STDIN;
    sysopen STDIN, $in, 0 or push @why, 'stdin', $! + 0;
  }
  onto(\*STDOUT, $out, '', \@why) if $trusted !~ /o/;
  onto(\*STDERR, $err, '', \@why) if $trusted !~ /e/;
  return failed($link, $file, @why) if @why;
  my $at = now();
  append($file, join ' ', 'pid', $$, (stat_of('self'))[19], $at);
  my ($first) = read_back($file) =~ /^(pid|refused|void) .* \.$/m;
  exit 1 if $first ne 'pid';
  news($link, 'pid', $$, $at);
  become($script);
}

# Swm's own files are opened by swm and given to the job's account, all others as the job itself.
sub onto {
  my ($handle, $path, $uid, $why) = @_;
  return if @$why;
  close $handle;
  if (!sysopen $handle, $path, $WRONLY | $CREAT | $APPEND | $NOFOLLOW, 0600) {
    push @$why, 'log', $! + 0;
  } elsif ($uid ne '') {
    chown $uid, -1, $handle;
  }
}

# As a shell would: by the kernel where it can, else by the interpreter that the #! line names
# (the script may lack the x bit, or lie where noexec is mounted), else by /bin/sh.
sub become {
  my ($script) = @_;
  exec { $script } $script;
  my $why = $! + 0;
  my $shell = '/bin/sh';
  my @words = ($shell);
  if (sysopen my $file, $script, 0) {
    sysread $file, my $head, 512;
    if ($head =~ /^#![ \t]*([^ \t\n]+)[ \t]*([^\n]*)/) {
      my ($interpreter, $word) = ($1, $2);
      $word =~ s/[ \t\r]+$//;
      ($shell, @words) = ($interpreter, $interpreter, $word eq '' ? () : $word);
      if ($why != 2) { exec { $shell } @words, $script; $why = $! + 0 }
      complain("$script: the interpreter $shell of its first line", $why);
    }
    if ($why == 8 || $why == 13 && $head !~ /^\x7fELF/) {
      exec { $shell } @words, $script;
      $why = $! + 0;
    }
  } else {
    $why = $! + 0;
  }
  complain($script, $why);
}

sub complain {
  my ($what, $why) = @_;
  local $! = $why;
  syswrite STDERR, "swm: $what: " . ($why == 2 ? 'not found' : lcfirst "$!") . "\n";
  exit($why == 2 ? 127 : 126);
}

# All that the job left is a child of ours by now, whatever it did to hide. It may finish for a
# moment, or until the deadline of a stop; then all is stopped, so that none forks away, and killed.
sub sweep {
  my ($file) = @_;
  my ($until, $pause, $pid) = (now() + $LEFTOVER, 0.001);
  my $asked = 0;
  while (($pid = waitpid -1, $NOHANG) != -1) {
    next if $pid > 0;
    if (now() >= $until && !$asked++) {
      ($until) = sort { $b <=> $a } $until, read_back($file) =~ /^stopping (\d+) \.$/mg;
    }
    if (now() < $until) {
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

sub descendants {
  my %children;
  opendir my $proc, '/proc' or return;
  for my $pid (grep { /^\d+$/ } readdir $proc) {
    my @stat = stat_of($pid);
    push @{$children{$stat[1]}}, $pid if @stat && $stat[0] ne 'Z';
  }
  my @found = my @next = @{$children{$$} || []};
  push @found, @next while @next = map { @{$children{$_} || []} } @next;
  return @found;
}
`;
