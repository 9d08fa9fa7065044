/** Rows of `limits` for operators who look inside a node. */
export const shellLimits = {
  /** shell: shells on one head at once; each is a process. */
  shellsMax: 4,
  /** shell: how long an expression may compute without waiting for anything. */
  shellEvalMs: 1_000,
  /** shell: bytes of what is typed at once. */
  shellSourceBytesMax: 64 << 10,
  /** shell: characters of what is shown of one value. */
  shellShownCharsMax: 128 << 10,
  /** shell: questions of one shell to its node that are not answered yet. */
  shellAsksMax: 64,
  /** shell: actors in one list. */
  shellRowsMax: 1_000,
  /** shell: how long, and how many turns of an actor, one trace may be. */
  shellTraceMsMax: 60_000,
  shellTraceTurnsMax: 1_000,
  /** shell: names that one completion offers. */
  shellNamesMax: 200,
  /** shell: seconds of CPU of its process, all lines together. */
  shellCpuSeconds: 60,
  /** shell: megabytes of the heap of its process. */
  shellMegabytesMax: 64,
} as const;
