import { resolve } from 'node:path';
import { Failed } from '../protocol/errors.ts';
import { exits } from './exits.ts';
import { spoolOf } from './spool-of.ts';
import type { Call } from './verb.ts';
import { instant } from './words.ts';

/** Puts the records of a backup into a spool whose node does not run. */
export async function run({ args, options, screen }: Call): Promise<number> {
  const [file = ''] = args as readonly string[];
  const [{ openSpool }, { restoreReplica }, { enrolledName }, { unswept }] = await Promise.all([
    import('../platform/spool.ts'),
    import('../platform/replica/restore.ts'),
    import('../node/enrol.ts'),
    import('../actors/sweeper/keeping.ts'),
  ]);
  const spool = await openSpool(spoolOf(options), { roles: ['head'] });
  try {
    const name = await enrolledName(spool);
    if (name === undefined)
      throw new Failed(
        'refused',
        `${spool.path} is no spool of a head: put the folder \`secure\` of one there first`,
      );
    const restored = await restoreReplica(
      resolve(file),
      spool.places.controlStore,
      name,
      unswept(Date.now()),
    );
    if (screen.json) screen.printJson({ spool: spool.path, head: name, ...restored });
    else {
      screen.print(`${name} has the records up to ${instant(restored.at)}`);
      if (restored.former !== '') screen.note(`what was there before is in ${restored.former}`);
      screen.note('no site is swept until swm sweep --confirm has shown what would go');
      screen.note(`next: swm start --spool ${spool.path}; other heads join anew, with new spools`);
    }
  } finally {
    spool.close();
  }
  return exits.good;
}
