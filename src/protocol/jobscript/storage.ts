/**
 * Where a storage of a site is on the machines that were made with it: at every site the same, so
 * that a script need not know where it runs.
 */
export const storagePath = (name: string): string => `${STORAGES}/${name}`;
export const STORAGES = '/mnt/swm';

/** The variables by which a job finds its storages: all of them in one, and one for each. */
export function storageVariables(names: readonly string[]): Record<string, string> {
  const each = names.map((name) => [
    `SWM_STORAGE_${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`,
    storagePath(name),
  ]);
  return {
    SWM_STORAGES: names.map((name) => `${name}=${storagePath(name)}`).join(','),
    ...Object.fromEntries(each),
  };
}
