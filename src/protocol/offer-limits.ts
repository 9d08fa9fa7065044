/** Rows of `limits` for what sites offer, and how it went there before. */
export const offerLimits = {
  /** offers: flavors of one site among which is chosen, and how many reasons tell of. */
  offersPerSiteMax: 8,
  offersShownMax: 3,
  /** offers: characters of a reason that tells of sites. */
  siteWhyCharsMax: 600,
  /** want: what a site's other flavors may cost, in times of its cheapest that is enough. */
  dearerMax: 2,
  /** offers: what is taken of a flavor of whose site nobody knows how long it takes to be up. */
  bootGuessMs: 120_000,
  /** repute: an offer that its site refused is passed over for so long, at first and at most. */
  offerRefusedMs: 30_000,
  offerRefusedMsMax: 30 * 60_000,
  /** repute: flavors of one site of which something is known; the oldest go first. */
  reputesMax: 256,
  /** fit: jobs of one pass that have room kept since they rather wait for it than go to a site. */
  ratherMax: 64,
} as const;
