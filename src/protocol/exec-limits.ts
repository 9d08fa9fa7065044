/** Rows of `limits` for commands inside jobs. */
export const execLimits = {
  /** exec: words of one command, and their bytes as UTF-8. */
  execWordsMax: 4_096,
  execBytesMax: 128 << 10,
  /** exec: bytes of one frame. */
  execFrameBytesMax: 256 << 10,
  /** exec: commands inside the jobs of one worker at once. */
  execsMax: 64,
  /** exec: columns and rows of a terminal. */
  execWindowMax: 10_000,
} as const;
