import type { Tasks } from '../../runtime/family.ts';
import type { HeraldEvent, HeraldTasks } from './herald.ts';

/** What is told of a change, in the words of `docs/jobs.md`. */
export type Posting = {
  readonly url: string;
  readonly body: string;
  /** Names the change: the same at each try. */
  readonly delivery: string;
};

export type HeraldPorts = {
  /** Resolves once the receiver has said that it has it. Throws `Failed`. */
  readonly post: (posting: Posting, signal: AbortSignal) => Promise<void>;
};

export const heraldTasks = ({ post }: HeraldPorts): Tasks<HeraldEvent, HeraldTasks> => ({
  post: async ({ job, url, change }, { signal }) => {
    const body = JSON.stringify({ id: job, ...change });
    await post({ url, body, delivery: `${job}.${change.seq}` }, signal);
    return null;
  },
});
