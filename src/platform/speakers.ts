import type { UserIdentity } from './identity.ts';

type Speaker = {
  readonly user: UserIdentity;
  readonly keyFingerprint: string;
  readonly cut: (why: string) => void;
};

/** Who speaks here now, to be cut off once they may no more. */
export type Speakers = {
  /** Returns what takes it away again. */
  add(user: UserIdentity, keyFingerprint: string, cut: (why: string) => void): () => void;
  /** Asks of one user, or of all, whether they still may. */
  judge(id?: string): void;
};

export function speakersBy(
  admit: (user: UserIdentity, keyFingerprint: string) => string | undefined,
): Speakers {
  const byUser = new Map<string, Set<Speaker>>();
  return {
    add(user, keyFingerprint, cut) {
      const speaker = { user, keyFingerprint, cut };
      const others = byUser.get(user.id) ?? new Set<Speaker>();
      byUser.set(user.id, others.add(speaker));
      return () => {
        others.delete(speaker);
        if (others.size === 0 && byUser.get(user.id) === others) byUser.delete(user.id);
      };
    },
    judge(id) {
      const sets = id === undefined ? [...byUser.values()] : [byUser.get(id) ?? []];
      for (const speaker of sets.flatMap((set) => [...set])) {
        const why = admit(speaker.user, speaker.keyFingerprint);
        if (why !== undefined) speaker.cut(`unauthorized: ${why}`);
      }
    },
  };
}
