/** Rows of `limits` for what the scheduler is asked about what is to come. */
export const foresightLimits = {
  /** scheduler: questions about what is to come that it works on at once. */
  foreseesMax: 4,
  /** scheduler: changes of a job that are tried for one that would start it. */
  changesMax: 96,
  /** scheduler: values of an amount, such as cpus, that are tried. */
  levelsMax: 8,
  /** scheduler: jobs of an owner that are looked at, were they held or cancelled. */
  othersMax: 8,
  /** scheduler: a shorter time that is named ends so long before what it must not run into. */
  shorterByMs: 60_000,
  /** scheduler: how often what is to come is played; how often where a pass is dear. */
  playsMax: 39,
  playsFew: 19,
  /** scheduler: passes of one play at most and at least; with fewer than some a pass is dear. */
  passesAheadMax: 1_000,
  passesAheadFew: 30,
  passesAheadMin: 8,
  /** scheduler: lines and nodes that all passes of one question look at. */
  looksAheadMax: 2_000_000,
  /** scheduler: ended jobs of which it is read how much of their time they took. */
  pastMax: 1_000,
  /** scheduler: how far back those are looked for. */
  pastMs: 90 * 86_400_000,
  /** scheduler: so many jobs of one's own weigh as much as those of all. */
  ownPast: 10,
  /** heads: how long a question about what is to come may take. */
  foreseeMs: 25_000,
} as const;
