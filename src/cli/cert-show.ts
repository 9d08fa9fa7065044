import { identityAt } from '../connect.ts';
import { certificatesOf } from '../platform/certificates.ts';
import { identify } from '../platform/identity.ts';
import { readPem } from '../platform/key-files.ts';
import { Failed } from '../protocol/errors.ts';
import { exits } from './exits.ts';
import { placeOf } from './place.ts';
import { pairs } from './table.ts';
import type { Call } from './verb.ts';

/** Shows whose certificate the command would use; ends with 1 once it is good no more. */
export async function run({ options, screen }: Call): Promise<number> {
  const { certificate: file } = await identityAt(placeOf(options));
  const pem = await readPem(file);
  if (pem === undefined) throw new Failed('unauthorized', `there is no ${file}`);
  const certificate = certificatesOf(pem)[0]!;
  const identity = identify(certificate);
  const { name, id } = identity?.kind === 'user' ? identity : { name: '', id: '' };
  const until = certificate.validToDate.toISOString();
  const isOver = certificate.validToDate.getTime() < Date.now();
  if (screen.json) screen.printJson({ name, id, until, expired: isOver, file });
  else
    for (const line of pairs([
      ['name', name],
      ['id', id],
      ['until', isOver ? `${until}, expired` : until],
      ['file', file],
    ]))
      screen.print(line);
  return isOver ? exits.fault : exits.good;
}
