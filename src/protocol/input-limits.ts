/** Rows of `limits` for input files that a head reads from its own disk. */
export const inputLimits = {
  /** local-disk: submissions for which files are read at once. */
  localReadersMax: 4,
  /** local-disk: bytes that one submission brings so. */
  localInputBytesMax: 2 ** 36,
  /** local-disk: questions of one submission: folders may lead to each other by links. */
  localQuestionsMax: 20_000,
  /** local-disk: names in one folder. */
  localFolderMax: 100_000,
  /** local-disk: a part of a file, and a field of an answer. */
  localPartBytesMax: 64 << 10,
  localFieldBytesMax: 8 << 10,
} as const;
