import type { AzureSettings } from './settings.ts';

/** Where each machine at Azure hears what becomes of it: an address that leads to its own host. */
export const NOTICES = 'http://169.254.169.254/metadata/scheduledevents';

/** What a worker has in its configuration so that it hears that its machine is taken back. */
export const noticesOf = ({ notices: url }: AzureSettings, machine: string): object =>
  url === '' ? {} : { notices: { url, machine } };
