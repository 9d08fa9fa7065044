/** Rows of `limits` for what operators enter beside the configuration. */
export const entryLimits = {
  /** session, entries: entries in all, of all kinds; they travel in one answer. */
  entriesMax: 1_000,
  /** entries: fields of one, and of what a field holds. */
  entryFieldsMax: 64,
  /** entries: what a list of a field holds. */
  entryItemsMax: 256,
  /** entries: characters of a text of a field. */
  entryCharsMax: 256,
  /** jobscript, config, entries: the largest budget. */
  budgetMax: 1e12,
} as const;
