import { runCommand } from './program.ts';

/** Whoever reads us may go away when they have seen enough: `swm jobs | head -1`. */
const quietWhenUnread = (error: NodeJS.ErrnoException): void => {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
  throw error;
};
process.stdout.on('error', quietWhenUnread);
process.stderr.on('error', quietWhenUnread);

const { code, isNode } = await runCommand(process.argv.slice(2));
process.exitCode = code;
// What somebody forgot to close must not keep a node that has ended; nor a command a connection to
// a head that does not answer, once another has.
setTimeout(() => process.exit(), isNode ? 2_000 : 100).unref();
