import { runCommand } from './program.ts';

/** Whoever reads us may go away when they have seen enough: `swm jobs | head -1`. */
const quietWhenUnread = (error: NodeJS.ErrnoException): void => {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
  throw error;
};
process.stdout.on('error', quietWhenUnread);
process.stderr.on('error', quietWhenUnread);

const { code, isNode } = await runCommand(process.argv.slice(2));
// A node has closed what it had. Left to itself Node would also wait, for ever and busily, for
// sockets to machines that have vanished.
if (isNode) process.exit(code);
process.exitCode = code;
// A connection to a head that does not answer must not keep a command, once another head has.
setTimeout(() => process.exit(), 100).unref();
