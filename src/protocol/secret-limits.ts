/** Rows of `limits` for secrets. */
export const secretLimits = {
  /** session, cli: a secret as UTF-8; a variable of an environment has room for it. */
  secretBytesMax: 32 << 10,
  /** safe: a sealed value, as base64, with what sealing adds. */
  sealedCharsMax: 48 << 10,
  /** safe: secrets of one owner. */
  secretsMax: 256,
  /** jobscript: secrets of one job. */
  secretsOfJobMax: 32,
  /** runner: between two questions for secrets, while no head answers. */
  secretsAgainMs: 1_000,
  /** runner: how long a head may take to answer one. */
  secretsMs: 5_000,
} as const;
