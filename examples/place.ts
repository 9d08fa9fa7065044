/** Where a head is, as the `swm` command has it from its environment. */
export const place = { spool: process.env['SWM_SPOOL'], url: process.env['SWM_URL'] };
