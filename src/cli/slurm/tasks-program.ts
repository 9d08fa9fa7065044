/** Where the process lies that signals are for, in the job's directory. */
export const PID_FILE = '.swm-srun';

/**
 * Runs a command so many times at once on one node, each with its rank, and ends with the highest
 * of their codes. The first one reads what there is to be read. A shell would have the others
 * ignore interrupts, so it is perl, which every worker has.
 */
export const tasksProgram = `
use strict;
use POSIX ':signal_h';
my ($count, @command) = @ARGV;
my @signals = qw(INT TERM HUP QUIT USR1 USR2);
my %tasks;
for my $signal (@signals) { $SIG{$signal} = sub { kill $signal, keys %tasks }; }
my $held = POSIX::SigSet->new(map { POSIX->can("SIG$_")->() } @signals);
sigprocmask SIG_BLOCK, $held;
open my $file, '>', '${PID_FILE}' or die "srun: ${PID_FILE}: $!\\n";
print $file $$;
close $file;
for my $rank (0 .. $count - 1) {
  my $pid = fork;
  die "srun: fork: $!\\n" unless defined $pid;
  if ($pid == 0) {
    $SIG{$_} = 'DEFAULT' for @signals;
    sigprocmask SIG_UNBLOCK, $held;
    @ENV{qw(SLURM_PROCID SLURM_LOCALID)} = ($rank, $rank);
    open STDIN, '<', '/dev/null' if $rank > 0;
    { no warnings; exec { $command[0] } @command; }
    print STDERR "srun: $command[0]: $!\\n";
    exit 127;
  }
  $tasks{$pid} = $rank;
}
close STDIN;
sigprocmask SIG_UNBLOCK, $held;
my $code = 0;
while (%tasks) {
  my $pid = waitpid -1, 0;
  next if $pid < 0;
  delete $tasks{$pid};
  my $own = $? & 127 ? 128 + ($? & 127) : $? >> 8;
  $code = $own if $own > $code;
}
exit $code;
`;
