import { addressesOf } from '../connect.ts';
import { inviteTo } from './invitation.ts';
import { urlOf } from './place.ts';
import { type Call, isOn } from './verb.ts';

/** Has the heads expect a user, and writes what that one enrols by. */
export function run(call: Call): Promise<number> {
  const [name] = call.args as [string];
  const invite = async () => {
    const operator = isOn(call.options, 'operator');
    const invitation = await (await call.client()).call('user.add', { name, operator });
    const url = urlOf(call.options);
    // Whoever named heads knows best by which addresses they are reached.
    return url === undefined
      ? invitation
      : { ...invitation, heads: [...(await addressesOf({ url }))] };
  };
  return inviteTo(call, name, invite, { where: 'their machine', say: 'swm cert enrol FILE' });
}
