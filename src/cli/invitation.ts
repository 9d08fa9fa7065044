import { lstat, open, rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Reply } from '../protocol/messages.ts';
import { exits, Usage } from './exits.ts';
import { reasonOf } from './inputs.ts';
import { type Call, textOf } from './verb.ts';

/** What is done with an invitation. */
type Next = { readonly where: string; readonly say: string };

/**
 * Gets an invitation and puts it into a file that only its owner may read: it holds a token, which
 * is nothing to be seen on a terminal. What is there already is not overwritten.
 */
export async function inviteTo(
  { options, screen }: Call,
  name: string,
  invite: () => Promise<Reply<'head.add'>>,
  next: Next = { where: name, say: 'swm start --join FILE' },
): Promise<number> {
  const wanted = textOf(options, 'output');
  if (wanted === '-') {
    screen.printJson(await invite());
    return exits.good;
  }
  const file = resolve(wanted ?? `${name.replaceAll(/[^A-Za-z0-9._-]/g, '_')}.join.json`);
  if (await isThere(file)) throw new Usage(`swm: ${file} is there already; -o names another`);
  const invitation = await invite();
  await writeSecret(file, `${JSON.stringify(invitation)}\n`);
  const { heads, caFingerprint } = invitation;
  if (screen.json) screen.printJson({ name: invitation.name, file, heads, caFingerprint });
  else {
    screen.print(file);
    screen.note(`next: copy it to ${next.where}, where nobody else can read it, and there:`);
    screen.note(`      ${next.say}`);
  }
  return exits.good;
}

async function isThere(file: string): Promise<boolean> {
  try {
    await lstat(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw new Usage(`swm: ${file}: ${reasonOf(error as NodeJS.ErrnoException)}`);
  }
}

/** Under another name first, so that a file of that name is always whole. */
async function writeSecret(file: string, text: string): Promise<void> {
  const part = `${file}.${process.pid}.part`;
  try {
    const opened = await open(part, 'wx', 0o600);
    try {
      await opened.writeFile(text);
      await opened.sync();
    } finally {
      await opened.close();
    }
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    throw new Usage(`swm: ${file}: ${reasonOf(error as NodeJS.ErrnoException)}`);
  }
}
