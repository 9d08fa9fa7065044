import { runCommand } from './program.ts';

/** Whoever reads us may go away when they have seen enough: `swm jobs | head -1`. */
const quietWhenUnread = (error: NodeJS.ErrnoException): void => {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
  throw error;
};
process.stdout.on('error', quietWhenUnread);
process.stderr.on('error', quietWhenUnread);

process.exitCode = await runCommand(process.argv.slice(2));
// What somebody forgot to close must not keep a command, or a node, that has ended.
setTimeout(() => process.exit(), 2_000).unref();
