import type { Notice, Notices } from '../platform/notices.ts';
import { Failed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { Cancel, Clock, Note } from '../runtime/ports.ts';

export type Heeding = {
  readonly source: Notices;
  /** Tells a head that this machine is taken back; resolves when that is kept. */
  readonly tell: () => Promise<unknown>;
  /** Whether nothing runs here, and the heads have all that did. */
  readonly isIdle: () => boolean;
  readonly clock: Clock;
  readonly note: Note;
  /** For what should never fail. */
  readonly failed: (error: unknown) => void;
};

/**
 * Looks again and again whether the site of this machine takes it back. A head is told first; the
 * site hears that it need not wait once there is nothing left to be saved. What is announced no
 * more, before a head could be told, was never so.
 */
export function heedNotices({ source, tell, isIdle, clock, note, failed }: Heeding): Cancel {
  const over = new AbortController();
  const told = new Set<string>();
  const approved = new Set<string>();
  let trouble = '';
  let cancel: Cancel = () => {};

  const pass = async ({ id, what }: Notice): Promise<void> => {
    await tell();
    told.add(id);
    note('warn', '/notices', `the site takes this machine back: ${what}`);
  };
  const approve = async ({ id }: Notice): Promise<void> => {
    await source.approve(id, over.signal);
    approved.add(id);
  };
  const look = async (): Promise<void> => {
    try {
      const now = clock.now();
      const isNear = ({ at = now }: Notice): boolean => at - now <= limits.noticeLeadMs;
      const near = (await source.list(over.signal)).filter(isNear);
      for (const notice of near) if (!told.has(notice.id)) await pass(notice);
      const waiting = near.filter(({ id, at }) => at !== undefined && !approved.has(id));
      for (const notice of waiting) if (isIdle()) await approve(notice);
      trouble = '';
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
      if (!over.signal.aborted && error.message !== trouble)
        note('warn', '/notices', `it will be tried again: ${error.message}`);
      trouble = error.message;
    }
    if (!over.signal.aborted) cancel = clock.timer(limits.noticesLookMs, begin);
  };
  const begin = (): void => void look().catch(failed);
  begin();
  return () => {
    over.abort();
    cancel();
  };
}
