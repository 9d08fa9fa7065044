import { EXPIRED } from './credentials.ts';
import type { UserIdentity } from './identity.ts';

/** Who speaks, by which key, and until when its certificate is good. */
export type Speaker = {
  readonly user: UserIdentity;
  readonly keyFingerprint: string;
  readonly untilMs: number;
};

/** Who speaks here now, to be cut off once they may no more. */
export type Speakers = {
  /** Returns what takes it away again. */
  add(speaker: Speaker, cut: (why: string) => void): () => void;
  /** Asks of one user, or of all, whether they still may. */
  judge(id?: string): void;
};

type Added = { readonly speaker: Speaker; readonly cut: (why: string) => void };

export function speakersBy(
  admit: (user: UserIdentity, keyFingerprint: string) => string | undefined,
): Speakers {
  const byUser = new Map<string, Set<Added>>();
  return {
    add(speaker, cut) {
      const { id } = speaker.user;
      const added = { speaker, cut };
      const others = byUser.get(id) ?? new Set<Added>();
      byUser.set(id, others.add(added));
      const undo = onceExpired(speaker.untilMs, () => cut(`unauthorized: ${EXPIRED}`));
      return () => {
        undo();
        others.delete(added);
        if (others.size === 0 && byUser.get(id) === others) byUser.delete(id);
      };
    },
    judge(id) {
      const sets = id === undefined ? [...byUser.values()] : [byUser.get(id) ?? []];
      for (const { speaker, cut } of sets.flatMap((set) => [...set])) {
        const why = admit(speaker.user, speaker.keyFingerprint);
        if (why !== undefined) cut(`unauthorized: ${why}`);
      }
    },
  };
}

/** No timer of ours is longer. */
const LOOK_MS_MAX = 86_400_000;

function onceExpired(untilMs: number, then: () => void): () => void {
  const pauseMs = (): number => Math.max(0, Math.min(untilMs - Date.now() + 1, LOOK_MS_MAX));
  const look = (): void => {
    if (Date.now() > untilMs) return then();
    timer = setTimeout(look, pauseMs()).unref();
  };
  let timer = setTimeout(look, pauseMs()).unref();
  return () => clearTimeout(timer);
}
