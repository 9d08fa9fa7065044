/**
 * The perl program that ends an attempt whose lease ran out, whatever became of its worker. It
 * looks at the lease again and again, by the clock that also counts while the machine sleeps.
 *
 * Arguments: the boot id; ms between two looks; the directory of the freezer's cgroups and the
 * version of it, and a directory whose cgroups list processes, each '' where there is none; the
 * names of the attempt's record, lease and guard in the working directory; what every process of it
 * has in its environment. One guard at most holds the lock on its file; it ends with the attempt.
 */
export const guardProgram = String.raw`use strict;
my ($BOOT, $TICK, $FREEZER, $VERSION, $PROCS, $RECORD, $LEASE, $GUARD, @MARKS) = @ARGV;
my ($WRONLY, $RDWR, $CREAT, $EXCL, $APPEND) = (1, 2, 0100, 0200, 02000);
$SIG{$_} = 'IGNORE' for 'PIPE', 'HUP', 'INT';
umask 077;
$0 = "swm-guard $RECORD";
sysopen my $lock, $GUARD, $RDWR | $CREAT | $APPEND, 0600 or exit 1;
flock $lock, 6 or exit 0;    # LOCK_EX, LOCK_NB
syswrite $lock, "guard $$ " . (stat_of($$))[19] . " $BOOT .\n";
if (sysopen my $file, '/proc/self/oom_score_adj', $WRONLY) { syswrite $file, '-900' }
my ($ended, $left) = (0, 0);
while (1) {
  my $told = told();
  last if $$told{is} eq 'over' && !$left;
  last if !-e $LEASE;
  if ($ended || uptime() >= lease()) {
    $ended ||= end_it($told);
    $told = told();
    my ($is, $contained) = ($$told{is}, $$told{kind} eq 'image');
    $left = $contained || $is eq 'running' ? kill_all($told) : 0;
    next if $left;
    last if $is eq 'over' || $contained && $ended;
    last if $is eq 'running' && !lives($$told{slot}, $$told{slot_at}, $$told{slot_at});
  }
} continue {
  select undef, undef, undef, $TICK / 1000;
}
exit 0;

sub slurp {
  my ($path) = @_;
  sysopen my $file, $path, 0 or return '';
  my $text = '';
  1 while sysread $file, $text, 65536, length $text;
  return $text;
}

sub stat_of {
  my $text = slurp("/proc/$_[0]/stat");
  return split ' ', substr $text, rindex($text, ')') + 2;
}

# Milliseconds since the boot, asleep or not.
sub uptime { return slurp('/proc/uptime') =~ /^([\d.]+)/ ? $1 * 1000 : 9e15 }

sub lease { return slurp($LEASE) =~ /^until (\d+) \.$/m ? $1 : 0 }

# What the record says, as record.ts reads it.
sub told {
  my %told = (is => 'nothing', kind => '-', fence => '-');
  for (grep { / \.$/ } split /\n/, slurp($RECORD)) {
    my @words = split / /;
    my $word = $words[0];
    if ($told{is} eq 'nothing') {
      $told{is} = 'over' if $word eq 'refused';
      next if $word ne 'starting';
      return { %told, is => 'over' } if $words[3] ne $BOOT;    # its processes went with that boot
      @told{'is', 'slot', 'slot_at', 'kind', 'fence'} = ('starting', @words[1, 2, 5, 6]);
    } elsif ($told{is} eq 'starting') {
      $told{is} = 'over' if $word =~ /^(?:refused|failed|void|exit)$/;
      @told{'is', 'main', 'from', 'to'} = ('running', @words[1, 2, 3]) if $word eq 'pid';
    } elsif ($told{is} eq 'running') {
      $told{is} = 'over' if $word eq 'exit' || $word eq 'lost';
    }
  }
  return \%told;
}

# False for a container that has begun; one that has not never will, since it asks for this file.
sub claim {
  my $dir = $GUARD =~ s/guard$/claim/r;
  return 1 if !-d $dir;
  return sysopen my $file, "$dir/begun", $WRONLY | $CREAT | $EXCL, 0600;
}

# Says so in the record: what has not started never will.
sub end_it {
  my ($told) = @_;
  sysopen my $file, $RECORD, $WRONLY | $CREAT | $APPEND, 0600 or return 0;
  my $at = time . '000';
  my $text = "lease_out $at .\n";
  my $begun = $$told{kind} eq 'image' && !claim();
  $text .= "refused $at .\n" if $$told{is} ne 'running' && !$begun;
  return (syswrite($file, $text) // 0) == length $text;
}

sub lives {
  my ($pid, $from, $to) = @_;
  my ($state, $start) = (stat_of($pid))[0, 19];
  return defined $start && $state !~ /[ZX]/ && $start >= $from && $start <= $to;
}

# All processes of the attempt, as tree.ts finds them.
sub members {
  my ($told) = @_;
  my ($slot, $main) = @$told{'slot', 'main'};
  my (%found, %children);
  $found{$_} = 1 for $$told{fence} eq '-' || $PROCS eq '' ? () : inside("$PROCS/$$told{fence}");
  opendir my $proc, '/proc' or return;
  for my $pid (grep { /^\d+$/ } readdir $proc) {
    my ($state, $parent) = (stat_of($pid))[0, 1];
    next if !defined $state || $state =~ /[ZX]/ || $pid == $$;
    push @{ $children{$parent} }, $pid;
    my $env = "\0" . slurp("/proc/$pid/environ") . "\0";
    $found{$pid} = 1 if @MARKS && !grep { index($env, "\0$_\0") < 0 } @MARKS;
  }
  my $watched = lives($slot, $$told{slot_at}, $$told{slot_at});
  my @next = $watched && $$told{kind} eq 'own' ? @{ $children{$slot} // [] } : ();
  push @next, $main if lives($main, $$told{from}, $$told{to});
  while (defined(my $pid = shift @next)) {
    $found{$pid} = 1;
    push @next, @{ delete $children{$pid} // [] };
  }
  delete $found{$slot} if $watched;
  delete $found{$$};
  return keys %found;
}

sub inside {
  my ($dir) = @_;
  opendir my $all, $dir or return;
  my @below = grep { !/^\./ && -d "$dir/$_" } readdir $all;
  return (split /\n/, slurp("$dir/cgroup.procs")), map { inside("$dir/$_") } @below;
}

# Freezes it, stops what is not frozen until nothing new is seen, and kills it; how many there were.
sub kill_all {
  my ($told) = @_;
  freeze($told, 1);
  my %seen;
  while (my @fresh = grep { !$seen{$_} } members($told)) {
    $seen{$_} = 1 for @fresh;
    kill 'STOP', @fresh;
  }
  kill 'KILL', keys %seen if %seen;
  freeze($told, 0);
  return scalar keys %seen;
}

sub freeze {
  my ($told, $on) = @_;
  return if $FREEZER eq '' || $$told{fence} eq '-';
  my $dir = "$FREEZER/$$told{fence}";
  my @v1 = ('freezer.state', 'THAWED', 'FROZEN');
  my ($name, @words) = $VERSION == 1 ? @v1 : ('cgroup.freeze', 0, 1);
  sysopen my $file, "$dir/$name", $WRONLY or return;
  syswrite $file, $words[$on];
  close $file;
  my $state = $VERSION == 1 ? 'freezer.state' : 'cgroup.events';
  for (1 .. $on ? 20 : 0) {
    last if slurp("$dir/$state") =~ /^(?:FROZEN|frozen 1)$/m;
    select undef, undef, undef, 0.005;
  }
}
`;
