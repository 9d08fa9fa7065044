import { Failed } from '../protocol/errors.ts';
import { present } from './demo-frame.ts';
import { type Head, startHead } from './demo-head.ts';
import { play } from './demo-job.ts';
import { bringScript, props } from './demo-script.ts';
import type { Stage } from './demo-stage.ts';
import { tell } from './demo-tell.ts';
import { observe, type Traces } from './demo-traces.ts';
import { openClient } from './place.ts';

/**
 * `npm run demo`: a head with a site on this machine, a cluster of two nodes that it makes for
 * `examples/wordcount.job`, the job's whole life, and a look whether anything is left of it all.
 * Exit 0 if all went well and nothing is left, 1 if not, 2 if it cannot run here.
 */

/** It takes that long nowhere: something hangs. */
const HANGS_MS = 60_000;

/** The demo itself: all that goes wrong is thrown. */
async function perform(stage: Stage, seen: Traces, started: (head: Head) => void): Promise<void> {
  const { root } = seen;
  stage.heading('swm: a head, a cluster of two nodes for one job, and nothing left of them');
  stage.step('head', `starts in ${root}`);
  const head = startHead(root);
  started(head);
  const { script, text } = await bringScript(root);
  stage.step('head', `is ready at ${await head.ready}`);
  observe(seen);
  const client = await openClient({ spool: head.spool });
  const grown = (id: string): void => {
    seen.ids.add(id);
    observe(seen);
  };
  try {
    const played = await Promise.race([
      play({ client, stage, root, script, grown }),
      head.ended.then((why) => Promise.reject(new Failed('unreachable', why))),
    ]);
    tell(stage, played, text);
  } finally {
    client.close();
  }
}

process.exit(await present({ perform, props, hangsMs: HANGS_MS }));
