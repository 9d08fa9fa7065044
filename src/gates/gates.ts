import type { Gate } from '../actors/ports.ts';
import { nearest } from '../protocol/didyoumean.ts';
import { Malformed } from '../protocol/errors.ts';
import type { GateKind, GateSetup } from './setup.ts';

/**
 * The kinds of sites, by the word that the config has for them. Each is loaded when the first site
 * of its kind is opened: what they need is big, and most heads use one or two.
 */
const gates: Readonly<Record<string, GateKind>> = {
  ssh: async (setup) => (await import('./ssh/ssh.ts')).openSshGate(setup),
  http: async (setup) => (await import('./http/http.ts')).openHttpGate(setup),
  azure: async (setup) => (await import('./azure/azure.ts')).openAzureGate(setup),
  local: async (setup) => (await import('./local/local.ts')).openLocalGate(setup),
};

/** The most that a site is asked for at once where the config does not say: all of its hosts. */
export function roomOf(settings: object): { readonly clusters: number; readonly cpus: number } {
  const { hosts } = settings as { readonly hosts?: unknown };
  if (!Array.isArray(hosts)) return { clusters: 16, cpus: 64 };
  const all = hosts as readonly { readonly cpus?: number }[];
  return { clusters: all.length, cpus: all.reduce((sum, { cpus = 0 }) => sum + cpus, 0) };
}

/** Opens a site of a kind. Throws `Malformed` for a kind that there is not. */
export async function openGate(kind: string, setup: GateSetup): Promise<Gate> {
  const open = Object.hasOwn(gates, kind) ? gates[kind] : undefined;
  if (open !== undefined) return open(setup);
  const meant = nearest(kind, Object.keys(gates));
  const hint = meant === undefined ? `one of: ${Object.keys(gates).join(', ')}` : `as in ${meant}`;
  throw new Malformed(
    `$.remotes.${setup.remote}.kind`,
    `there is no kind of gate ${kind}; ${hint}`,
  );
}
