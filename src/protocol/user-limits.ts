/** Rows of `limits` for users, and for what is noted of their doings. */
export const userLimits = {
  /** users: how long an invitation is good. */
  invitationMs: 24 * 60 * 60_000,
  /** users: how long a certificate is that a user was invited to, or has renewed. */
  enrolledDaysMax: 365,
  /** user: keys of one user that count, the newest first: an answer may be lost on its way. */
  userKeysMax: 2,
  /** audit: its file; then it becomes the old one, of which there is one. */
  auditFileBytesMax: 16 << 20,
  /** audit: characters of what a line says of whom or of what. */
  auditCharsMax: 256,
} as const;
