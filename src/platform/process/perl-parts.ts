/**
 * Parts that programs in perl share which start processes. They know the number of the call
 * clock_gettime as $CLOCK, and none of them loads a module.
 */

/** Turns a process into what a script says. */
export const becoming = String.raw`
# As a shell would, what the kernel would not run: by the interpreter that the #! line names (the
# script may lack the x bit, or lie where noexec is mounted), else by /bin/sh.
sub become {
  my ($script, $why) = @_;
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
`;

/** Looks at the time, and at the processes that are there. */
export const looking = String.raw`
# Milliseconds of wall time (0), or since the boot, asleep or not (7).
sub clock {
  my $spec = "\0" x 16;
  syscall $CLOCK, $_[0], $spec;
  my ($s, $ns) = unpack 'qq', $spec;
  return $s * 1000 + int($ns / 1e6);
}

sub nap { select undef, undef, undef, $_[0] }

sub slurp {
  my ($path) = @_;
  sysopen my $file, $path, 0 or return '';
  my $text = '';
  1 while sysread $file, $text, 65536, length $text;
  return $text;
}

# Of /proc/PID/stat, what follows the name: 0 state, 1 parent, 3 session, 19 start, 49 exit status.
sub stat_of {
  my $text = slurp("/proc/$_[0]/stat");
  return split ' ', substr $text, rindex($text, ')') + 2;
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
