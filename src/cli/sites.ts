import type { Client } from '../client/client.ts';
import type { SiteRow } from '../protocol/terminal-shapes.ts';

export type AtSite = SiteRow & { readonly remote: string };

export type Sites = {
  readonly rows: readonly AtSite[];
  /** Rows that were not told, there were so many. */
  readonly more: number;
  /** Since when no site is swept; 0 if they are. */
  readonly unsweptSince: number;
};

/** What all sites have. Throws `Failed` if one does not tell. */
export async function sites(client: Client): Promise<Sites> {
  const { remotes } = await client.call('remote.list', {});
  const looks = await Promise.all(
    remotes.map(async ({ name: remote }) => {
      const found = await client.call('gate.list', { remote });
      return { ...found, rows: found.rows.map((row) => ({ remote, ...row })) };
    }),
  );
  return {
    rows: looks.flatMap(({ rows }) => rows),
    more: looks.reduce((sum, { more }) => sum + more, 0),
    unsweptSince: Math.max(0, ...looks.map((look) => look.unsweptSince)),
  };
}
