/** Rows of `limits` for what a node notes. */
export const logLimits = {
  /** log: of a note's fields, how deep, how many and how long; the rest is left out. */
  noteDepthMax: 6,
  noteItemsMax: 100,
  noteCharsMax: 8_192,
  /** log: a log file; then it becomes the old one, of which there is one. */
  logFileBytesMax: 64 << 20,
  /** log: characters gathered within one turn of the loop before they are written. */
  logTurnCharsMax: 1 << 20,
} as const;
