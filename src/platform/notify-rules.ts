import { Failed, Malformed } from '../protocol/errors.ts';
import {
  type AddressList,
  addressesOf,
  addressList,
  familyOf,
  isLinkLocal,
  isLoopback,
} from './addresses.ts';

/** Where changes of jobs may be told. */
export type NotifyRules = {
  /**
   * The address to connect to for a URL, looked up now: who connects there cannot be led elsewhere
   * by a name that means something else a moment later. Throws `Failed` forbidden or unreachable.
   */
  addressOf(url: URL): Promise<string>;
};

const WANTED =
  'a name, an address, or addresses such as 10.0.0.0/8, each with a port or `*`: `example.org:443`';

type Ports = { readonly listed: AddressList; readonly names: Set<string> };

/**
 * Reads `notify.allow` of the configuration. A name does not mean addresses of the head's own
 * machine or of its link, whatever somebody lets it mean: those are allowed as addresses only.
 */
export function notifyRules(entries: readonly string[]): NotifyRules {
  const byPort = new Map<string, Ports>();
  for (const entry of entries) {
    const [, host = '', port = ''] = /^(.+):(\d{1,5}|\*)$/.exec(entry) ?? [];
    if (host === '' || Number(port) > 65_535) throw new Malformed('notify.allow', WANTED);
    const ports = byPort.get(port) ?? { listed: addressList(), names: new Set() };
    byPort.set(port, ports);
    const added = ports.listed.add(plain(host));
    if (added === undefined) throw new Malformed('notify.allow', WANTED);
    if (!added) ports.names.add(host.toLowerCase());
  }
  return {
    async addressOf(url) {
      const host = hostOf(url);
      const rows = [portOf(url), '*'].flatMap((port) => byPort.get(port) ?? []);
      const isNamed = familyOf(host) === undefined && rows.some(({ names }) => names.has(host));
      const isAllowed = (address: string): boolean =>
        rows.some(({ listed }) => listed.has(address)) ||
        (isNamed && !isLoopback(address) && !isLinkLocal(address));
      const found = rows.length === 0 ? undefined : (await addressesOf(host)).find(isAllowed);
      if (found !== undefined) return found;
      const what = `${url.host} is none of what \`notify.allow\` of the head lets jobs tell`;
      throw new Failed('forbidden', what);
    },
  };
}

/** An address of version 6 stands in brackets where a port follows, and its network may. */
const plain = (host: string): string => host.replace(/^\[(.*)\]/, '$1');

/** The name or the address of a URL's host. */
export const hostOf = (url: URL): string => plain(url.hostname).replace(/\.$/, '');

export const portOf = ({ port, protocol }: URL): string =>
  port || (protocol === 'https:' ? '443' : '80');
