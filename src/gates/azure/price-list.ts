import { request } from 'node:https';
import { setTimeout as pause } from 'node:timers/promises';
import Type from 'typebox';
import { Value } from 'typebox/value';
import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Millis } from '../../runtime/ports.ts';
import { retryAfterMs } from './limiter.ts';

/** What an hour costs of a size of machine, by its name. */
export type Prices = Readonly<Record<string, { readonly plain?: number; readonly spot?: number }>>;

export type PriceList = {
  readonly url: string;
  readonly currency: string;
  readonly ca: string | undefined;
  /** Before a page is asked for again; each time twice as long. */
  readonly retryMs: Millis;
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
  list: PriceList,
  location: string,
  signal: AbortSignal,
): Promise<Prices> {
  const { url, currency } = list;
  const prices: Record<string, { plain?: number; spot?: number }> = {};
  const filter =
    `serviceName eq 'Virtual Machines' and priceType eq 'Consumption' ` +
    `and armRegionName eq '${location}'`;
  const first = new URL(url);
  first.searchParams.set('currencyCode', currency);
  first.searchParams.set('$filter', filter);
  let next: URL | undefined = first;
  for (let pages = 0; next !== undefined && pages < limits.pricePagesMax; pages++) {
    const page = await readPage(next, list, signal);
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
function sameHost(link: string | null | undefined, first: URL): URL | undefined {
  if (!link || !URL.canParse(link)) return undefined;
  const url = new URL(link);
  // The list writes its own port into its links.
  return url.protocol === 'https:' && url.hostname === first.hostname ? url : undefined;
}

const PAGE_BYTES_MAX = 16 << 20;

type Answer = { readonly status: number; readonly text: string; readonly waitMs: Millis };

/** A list has many pages: one that cannot be had is asked for again before all is given up. */
async function readPage(url: URL, list: PriceList, signal: AbortSignal): Promise<unknown> {
  const place = `${url.origin}${url.pathname}`;
  for (let tries = 0; ; tries++) {
    const got = await ask(url, list.ca, signal).catch((error: Error) => error);
    if (signal.aborted) throw new Failed('timeout', `${place}: it was given up`);
    const isAnswer = !(got instanceof Error);
    if (isAnswer && got.status === 200) return parsed(got.text, place);
    const why = isAnswer ? `answers ${got.status}` : `cannot be read: ${got.message}`;
    const isPassing = !isAnswer || got.status === 429 || got.status >= 500;
    if (!isPassing || tries >= limits.azureRetriesMax)
      throw new Failed(isAnswer ? 'site_error' : 'unreachable', `${place} ${why}`);
    const waitMs = isAnswer ? got.waitMs : 0;
    await pause(Math.max(waitMs, list.retryMs * 2 ** tries), undefined, { signal });
  }
}

function parsed(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Failed('site_error', `${place} answers with what is no JSON`);
  }
}

function ask(url: URL, ca: string | undefined, signal: AbortSignal): Promise<Answer> {
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
        const text = Buffer.concat(parts).toString();
        const waitMs = retryAfterMs(answer.headers['retry-after']);
        resolve({ status: answer.statusCode ?? 0, text, waitMs });
      });
    });
    asked.on('error', reject);
    asked.end();
  });
}
