import { limits } from '../../protocol/limits.ts';

/**
 * Becomes an account for good, which only another program can, and then that program. Arguments:
 * uid, gid, groups, and the words of the program.
 */
export const becomeProgram = `use strict;
my ($uid, $gid, $groups, @words) = @ARGV;
$( = $gid;
$) = "$gid $groups";
($<, $>) = ($uid, $uid);
exit 126 if $< != $uid || $> != $uid || $( != $gid;
exec {$words[0]} @words;
exit 127;
`;

/**
 * The perl program that reads files as the account that it is, which it was before it heard of any
 * path: so the system itself decides what may be read, also where links are moved meanwhile.
 *
 * It says first where the account is at home. Fields of questions and answers end with NUL.
 * `look PATH` is answered with `yes`, `file`, `folder` or `other`, and the mode; `list PATH` with
 * `yes`, a count, and of each name whether it is a folder; `read PATH` with `yes`, and parts of the
 * file after their lengths, 0 at the end. `no WHY` is the answer to what cannot be; also between
 * two parts.
 */
const program = String.raw`use strict;
my ($PART, $NAMES, $NONBLOCK) = (PART_BYTES, NAMES_MAX, 04000);
$0 = 'swm-reader';
answer((getpwuid $>)[7] // '/');
my %do = (look => \&look, list => \&list, read => \&give);
while (defined(my $what = field())) {
  my $path = field();
  exit 1 unless defined $path && $do{$what};
  $do{$what}->($path);
}

sub field { local $/ = "\0"; my $field = <STDIN>; chomp $field if defined $field; return $field }

sub put {
  my $text = join '', @_;
  for (my $at = 0; $at < length $text;) {
    $at += syswrite(STDOUT, $text, length($text) - $at, $at) // exit 1;
  }
}
sub answer { put(map { "$_\0" } @_) }

sub look {
  my @stat = stat $_[0] or return answer('no', "$!");
  answer('yes', -f _ ? 'file' : -d _ ? 'folder' : 'other', $stat[2] & 0777);
}

sub list {
  my ($path, @found) = @_;
  opendir my $folder, $path or return answer('no', "$!");
  while (defined(my $name = readdir $folder)) {
    next if $name eq '.' || $name eq '..';
    return answer('no', "it has more than $NAMES names") if @found >= 2 * $NAMES;
    push @found, (lstat "$path/$name" && -d _ ? 'folder' : 'other'), $name;
  }
  answer('yes', @found / 2, @found);
}

# What is no file is not waited for: a pipe might never say anything.
sub give {
  sysopen my $file, $_[0], $NONBLOCK or return answer('no', "$!");
  return answer('no', 'it is no file') unless -f $file;
  answer('yes');
  while (1) {
    my $got = sysread $file, (my $part), $PART;
    return answer('no', "$!") unless defined $got;
    put("$got\0", $part);
    return unless $got;
  }
}
`;

/** The whole program. */
export const readerProgram = program
  .replace('NAMES_MAX', `${limits.localFolderMax}`)
  .replace('PART_BYTES', `${limits.localPartBytesMax}`);
