/** `swm task`, but for what it shares with the agent; any other verb is another swm's. */
export const taskCommand = String.raw`
if (($ARGV[0] // '') ne 'task') {
  my ($own) = $0 =~ m{^(.*)/};
  for my $folder (grep { $_ ne $own } split /:/, $ENV{PATH}) {
    exec "$folder/swm", @ARGV if -x "$folder/swm";
  }
  print STDERR "swm: on this node there is only 'swm task'\n";
  exit 127;
}
shift;
COMMON
my $folder;
while (@ARGV && $ARGV[0] =~ /^-/) {
  my $option = shift;
  last if $option eq '--';
  usage() unless $option =~ /^(?:-o|--output)$/ && @ARGV;
  $folder = shift;
}
usage() unless @ARGV;

sub usage {
  print STDERR "usage: swm task [--output DIRECTORY] COMMAND [ARGUMENT...]\n";
  exit 2;
}

my $number = $ENV{SWM_NODES_NUMBER} || 1;
my $id = join '.', $$, time, int rand 1e9;
my $first;
my @signals;
for my $name (@FORWARDED) { $SIG{$name} = sub { push @signals, $name } }
my @tasks = map {
  { rank => $_, had => 0, acked => 0, in => '', again => 0, line => { O => '', E => '' } }
} 0 .. $number - 1;
open_files() if defined $folder;
%{$tasks[0]} = (%{$tasks[0]}, %{launch(0, $number, @ARGV)});
for (;;) {
  my @open = grep { !$_->{over} } @tasks or last;
  call($_) for grep { $_->{rank} && !$_->{socket} && time >= $_->{again} } @open;
  while (defined(my $name = shift @signals)) { pass($_, $name) for @open }
  my $bits = '';
  watch(\$bits, values %{$tasks[0]{pipes}}) unless $tasks[0]{over};
  watch(\$bits, map { $_->{socket} // () } @open);
  my $found = select my $ready = $bits, undef, undef, 0.1;
  $ready = '' if $found <= 0;
  for my $task (@open) {
    if ($task->{rank}) {
      listen_to($task) if $task->{socket} && vec $ready, fileno($task->{socket}), 1;
    } else {
      hear($task, $ready, sub { show($task, @_) });
      over($task, $task->{code}) if reap($task);
    }
  }
}
exit($first // 0);

# Each task's files, two of them.
sub open_files {
  mkdir $folder;
  for my $task (@tasks) {
    for my $kind (qw(O E)) {
      my $path = "$folder/$task->{rank}." . ($kind eq 'O' ? 'out' : 'err');
      open $task->{files}{$kind}, '>', $path or die "swm: $path: $!\n";
    }
  }
}

# Asks the agent of a rank for the task, or for the rest of it.
sub call {
  my ($task) = @_;
  $task->{again} = time + 1;
  $task->{in} = '';
  $task->{socket} = dial() or return;
  say_to($task, "$task->{rank}\n" . frame(T => join "\0", $id, $task->{had}, $number, @ARGV));
  say_to($task, frame(S => $_)) for @{$task->{signals} // []};
}

sub pass {
  my ($task, $name) = @_;
  if (!$task->{rank}) { kill $name, -$task->{pid} }
  else {
    push @{$task->{signals}}, $name;
    say_to($task, frame(S => $name)) if $task->{socket};
  }
}

sub say_to {
  my ($task, $text) = @_;
  while (length $text && $task->{socket}) {
    my $sent = syswrite $task->{socket}, $text;
    if (defined $sent) { substr $text, 0, $sent, '' }
    elsif ($! != EINTR) { delete $task->{socket} }
  }
}

sub listen_to {
  my ($task) = @_;
  my $read = sysread $task->{socket}, $task->{in}, $PART, length $task->{in};
  return if !defined $read && $! == EINTR;
  if (!$read) { delete $task->{socket}; return }
  for (frames(\$task->{in})) {
    my ($kind, $text) = @$_;
    if ($kind eq 'F') {
      print STDERR "swm: task $task->{rank}: $text\n";
      return over($task, 255);
    }
    $task->{had} += 5 + length $text;
    if ($kind ne 'X') { show($task, $kind, $text); next }
    say_to($task, frame(A => $task->{had}));
    return over($task, $text);
  }
  return if $task->{had} - $task->{acked} < $PART;
  $task->{acked} = $task->{had};
  say_to($task, frame(A => $task->{had}));
}

sub over {
  my ($task, $code) = @_;
  $first //= $code if $code;
  for my $kind (qw(O E)) {
    put($task, $kind, "$task->{line}{$kind}\n") if length $task->{line}{$kind};
  }
  delete $task->{socket};
  $task->{over} = 1;
}

# Whole lines, each with its rank, unless there is a file for each.
sub show {
  my ($task, $kind, $text) = @_;
  return write_all($task->{files}{$kind}, $text) if $task->{files};
  my $all = $task->{line}{$kind} . $text;
  $all =~ /\A(.*\n)?(.*)\z/s;
  my ($whole, $rest) = ($1 // '', $2);
  ($whole, $rest) = ("$all\n", '') if length $rest > $PART;
  $task->{line}{$kind} = $rest;
  put($task, $kind, $whole) if length $whole;
}

sub put {
  my ($task, $kind, $whole) = @_;
  $whole =~ s/^/[$task->{rank}] /mg;
  write_all($kind eq 'O' ? *STDOUT : *STDERR, $whole);
}

sub write_all {
  my ($file, $text) = @_;
  while (length $text) {
    my $sent = syswrite $file, $text;
    if (defined $sent) { substr $text, 0, $sent, '' }
    elsif ($! != EINTR) { return }
  }
}
`;
