import type { Flag, VerbRow } from './verb.ts';

const allRemotes: Flag = ['--all-remotes', 'what exists at the sites, and whose it is'];

/** What sites are, what they sell, and what was made there. */
export const siteVerbs: readonly VerbRow[] = [
  {
    name: 'clusters',
    args: '',
    help: 'List the clusters that were made for jobs.',
    flags: [['-a, --all', 'also those that are gone'], allRemotes],
    is: 'call',
    load: () => import('./clusters.ts'),
  },
  {
    name: 'flavors',
    args: '',
    help: 'List the flavors of all sites.',
    flags: [],
    is: 'call',
    load: () => import('./flavors.ts'),
  },
  {
    name: 'images',
    args: '',
    help: 'List the images of all sites.',
    flags: [],
    is: 'call',
    load: () => import('./images.ts'),
  },
  {
    name: 'remotes',
    args: '',
    help: 'List the sites where clusters are made.',
    flags: [],
    is: 'call',
    load: () => import('./remotes.ts'),
  },
];
