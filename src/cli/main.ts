import { runCommand } from './program.ts';

/** Whoever reads us may go away when they have seen enough: `swm jobs | head -1`. */
const quietWhenUnread = (error: NodeJS.ErrnoException): void => {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
  throw error;
};
process.stdout.on('error', quietWhenUnread);
process.stderr.on('error', quietWhenUnread);

process.exitCode = await runCommand(process.argv.slice(2));
