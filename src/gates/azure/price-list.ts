import { request } from 'node:https';
import Type from 'typebox';
import { Value } from 'typebox/value';
import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';

/** What an hour costs of a size of machine, by its name. */
export type Prices = Readonly<Record<string, { readonly plain?: number; readonly spot?: number }>>;

export type PriceList = {
  readonly url: string;
  readonly currency: string;
  readonly ca: string | undefined;
};

const Page = Type.Object({
  Items: Type.Array(
    Type.Object({
      armSkuName: Type.String(),
      skuName: Type.String(),
      productName: Type.String(),
      retailPrice: Type.Number(),
      unitOfMeasure: Type.String(),
      type: Type.String(),
      currencyCode: Type.String(),
    }),
  ),
  NextPageLink: Type.Optional(Type.Union([Type.String(), Type.Null()])),
});

/** Reads the public list of retail prices: Linux, by the hour, on demand and spot. */
export async function fetchPrices(
  { url, currency, ca }: PriceList,
  location: string,
  signal: AbortSignal,
): Promise<Prices> {
  const prices: Record<string, { plain?: number; spot?: number }> = {};
  const filter =
    `serviceName eq 'Virtual Machines' and priceType eq 'Consumption' ` +
    `and armRegionName eq '${location}'`;
  const first = new URL(url);
  first.searchParams.set('currencyCode', currency);
  first.searchParams.set('$filter', filter);
  let next: string | undefined = first.href;
  for (let pages = 0; next !== undefined && pages < limits.pricePagesMax; pages++) {
    const page: unknown = await getJson(next, ca, signal);
    if (!Value.Check(Page, page))
      throw new Failed('site_error', `${url} answers with no page of prices`);
    for (const item of page.Items) {
      if (item.type !== 'Consumption' || item.unitOfMeasure !== '1 Hour') continue;
      if (/windows|cloud ?services/i.test(item.productName)) continue;
      if (/low priority/i.test(item.skuName) || item.currencyCode !== currency) continue;
      const kind = /\bspot\b/i.test(item.skuName) ? 'spot' : 'plain';
      prices[item.armSkuName] = { ...prices[item.armSkuName], [kind]: item.retailPrice };
    }
    next = sameHost(page.NextPageLink, first);
  }
  return prices;
}

/** A page may only lead to the same host: it is not for a list to choose whom we speak to. */
function sameHost(link: string | null | undefined, first: URL): string | undefined {
  if (!link || !URL.canParse(link)) return undefined;
  const url = new URL(link);
  // The list writes its own port into its links.
  return url.protocol === 'https:' && url.hostname === first.hostname ? url.href : undefined;
}

const PAGE_BYTES_MAX = 16 << 20;

function getJson(url: string, ca: string | undefined, signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { signal, ...(ca === undefined ? {} : { ca }) }, (answer) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      answer.on('data', (part: Buffer) => {
        bytes += part.length;
        if (bytes > PAGE_BYTES_MAX) answer.destroy(new Error('the page is too long'));
        parts.push(part);
      });
      answer.on('error', reject);
      answer.on('end', () => {
        if (answer.statusCode !== 200)
          return reject(new Failed('site_error', `${url} answers ${answer.statusCode}`));
        try {
          resolve(JSON.parse(Buffer.concat(parts).toString()));
        } catch {
          reject(new Failed('site_error', `${url} answers with what is no JSON`));
        }
      });
    });
    asked.on('error', (error) =>
      reject(new Failed('unreachable', `${url} cannot be read: ${error.message}`)),
    );
    asked.end();
  });
}
