import type { Policy } from './policy.ts';

type Flaw = { readonly key: readonly string[]; readonly text: string };

/** What is wrong with a policy that its shape cannot see, and where. */
export function policyFlaws(policy: Policy): readonly Flaw[] {
  const { reservations } = policy;
  return [
    ...Object.keys(policy.accounts).flatMap((name) => accountFlaw(policy, name)),
    ...reservations.flatMap(({ name, from, until }, at) => {
      const key = ['reservations', String(at)];
      if (reservations.findIndex((other) => other.name === name) !== at)
        return [{ key, text: `there is another one of the name ${name}` }];
      const odd = [from, until].find((instant) => Number.isNaN(Date.parse(instant)));
      if (odd !== undefined) return [{ key, text: `${odd} is no instant` }];
      if (Date.parse(from) < Date.parse(until)) return [];
      return [{ key, text: `it ends at ${until}, which is not after ${from}` }];
    }),
  ];
}

function accountFlaw({ accounts }: Policy, name: string): readonly Flaw[] {
  const key = ['accounts', name, 'parent'];
  const seen = [name];
  let parent = accounts[name]?.parent;
  while (parent !== undefined) {
    if (!Object.hasOwn(accounts, parent)) return [{ key, text: `there is no account ${parent}` }];
    if (seen.includes(parent))
      return [{ key, text: `it is a part of itself, by ${seen.join(' of ')}` }];
    seen.push(parent);
    parent = accounts[parent]?.parent;
  }
  return [];
}
