/** What waits on another node than the main one for tasks, but for what it shares with those. */
export const taskAgent = String.raw`
COMMON
use Fcntl;
my ($KEPT, $LOST, $GRACE) = (1 << 20, 60, 5);
my (%tasks, @links, $waiting, $again);
# Meant for what the job does, not for us, who would die of it.
for my $name (qw(HUP USR1 USR2)) {
  $SIG{$name} = sub { kill $name, -$_->{pid} for grep { !$_->{over} } values %tasks };
}
for (;;) {
  wait_for_more() unless $waiting;
  my ($reads, $writes) = ('', '');
  my @all = ($waiting ? $waiting : (), @links);
  for my $link (@all) {
    watch(\$reads, $link->{socket});
    watch(\$writes, $link->{socket}) if length $link->{out} || unsent($link);
  }
  for my $task (values %tasks) {
    watch(\$reads, values %{$task->{pipes}}) if length $task->{log} < $KEPT;
  }
  my $found = select my $ready = $reads, my $room = $writes, undef, 0.1;
  ($ready, $room) = ('', '') if $found <= 0;
  for my $task (values %tasks) {
    hear($task, $ready, sub { $task->{log} .= frame(@_) });
    if (!$task->{over} && reap($task)) {
      $task->{over} = 1;
      $task->{log} .= frame(X => $task->{code});
    }
    give_up($task) if $task->{lost} && time > $task->{lost} + $LOST;
  }
  for my $link (@all) {
    my $at = fileno $link->{socket};
    next unless defined $at;
    heard($link) if vec $ready, $at, 1;
    flow($link) if defined fileno $link->{socket} && vec $room, $at, 1;
  }
}

# One connection is always there for the next command.
sub wait_for_more {
  return if defined $again && time < $again;
  $again = time + 1;
  my $socket = dial() or return;
  fcntl $socket, F_SETFL, O_NONBLOCK;
  $waiting = { socket => $socket, in => '', out => '', sent => 0 };
}

sub heard {
  my ($link) = @_;
  my $read = sysread $link->{socket}, $link->{in}, $PART, length $link->{in};
  return if !defined $read && ($! == EINTR || $! == EAGAIN);
  return drop($link) unless $read;
  if ($waiting && $waiting == $link) {
    push @links, $link;
    ($waiting, $again) = (undef, undef);
  }
  for (frames(\$link->{in})) {
    my ($kind, $text) = @$_;
    if ($kind eq 'T') { ask($link, split /\0/, $text, -1); next }
    my $task = $link->{task} or next;
    if ($kind eq 'A') { forget($task, $text) }
    next if $kind ne 'S' || $task->{over} || !grep { $_ eq $text } @FORWARDED;
    kill $text, -$task->{pid};
  }
}

# The same task again, over another connection, goes on behind what was had of it.
sub ask {
  my ($link, $id, $had, $number, @words) = @_;
  my $task = $tasks{$id};
  if (!$task && $had == 0) {
    $task = { %{launch($ENV{SWM_NODE_RANK}, $number, @words)}, id => $id, log => '', base => 0 };
    $tasks{$id} = $task;
  }
  if (!$task || $had < $task->{base} || $had > $task->{base} + length $task->{log}) {
    $link->{out} .= frame(F => 'what it was doing is not known here any more');
    return;
  }
  drop($task->{link}) if $task->{link};
  @$link{qw(task sent)} = ($task, $had);
  $task->{link} = $link;
  delete $task->{lost};
}

sub forget {
  my ($task, $had) = @_;
  my $all = $task->{base} + length $task->{log};
  return if $had !~ /^\d+$/ || $had < $task->{base} || $had > $all;
  substr $task->{log}, 0, $had - $task->{base}, '';
  $task->{base} = $had;
  delete $tasks{$task->{id}} if $task->{over} && $had == $all;
}

sub unsent {
  my ($link) = @_;
  my $task = $link->{task} or return 0;
  return $link->{sent} < $task->{base} + length $task->{log};
}

sub flow {
  my ($link) = @_;
  my $task = $link->{task};
  my $isOut = length $link->{out};
  my $text = $isOut ? $link->{out} : substr $task->{log}, $link->{sent} - $task->{base}, $PART;
  my $sent = syswrite $link->{socket}, $text;
  if (!defined $sent) { drop($link) if $! != EINTR && $! != EAGAIN }
  elsif ($isOut) { substr $link->{out}, 0, $sent, '' }
  else { $link->{sent} += $sent }
}

sub drop {
  my ($link) = @_;
  close $link->{socket};
  $waiting = undef if $waiting && $waiting == $link;
  @links = grep { $_ != $link } @links;
  my $task = $link->{task};
  return unless $task && $task->{link} == $link;
  delete $task->{link};
  $task->{lost} = time;
}

# Nobody asks for it any more.
sub give_up {
  my ($task) = @_;
  if ($task->{over}) { delete $tasks{$task->{id}}; return }
  $task->{asked} //= time;
  kill time > $task->{asked} + $GRACE ? 'KILL' : 'TERM', -$task->{pid};
}
`;
