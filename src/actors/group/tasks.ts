import type { Invitation } from '../../protocol/head-shapes.ts';
import type { UserRole } from '../../protocol/user-shapes.ts';
import type { Tasks } from '../../runtime/family.ts';
import type { GroupEvent, GroupTasks } from './group.ts';

export type GroupPorts = {
  readonly invite: (name: string, role: 'head' | 'worker', round: number) => Promise<Invitation>;
  readonly inviteUser: (name: string, role: UserRole) => Promise<Invitation>;
  /** Resolves once the head votes; may wait for as long as it takes. */
  readonly admit: (name: string, signal: AbortSignal) => Promise<void>;
  readonly dismiss: (name: string, signal: AbortSignal) => Promise<void>;
  readonly voters: () => Promise<readonly string[]>;
  readonly transfer: (to: string) => Promise<string>;
  readonly keys: () => Promise<object>;
  /** Throws `Failed` if this head cannot tell, because it leads no more. */
  readonly decided: () => Promise<number>;
};

export const groupTasks = (ports: GroupPorts): Tasks<GroupEvent, GroupTasks> => ({
  invite: ({ name, role, round }) => ports.invite(name, role, round),
  inviteUser: ({ name, role }) => ports.inviteUser(name, role),
  admit: async (name, { signal }) => {
    await ports.admit(name, signal);
    return null;
  },
  dismiss: async (name, { signal }) => {
    await ports.dismiss(name, signal);
    return null;
  },
  voters: () => ports.voters(),
  transfer: (to) => ports.transfer(to),
  keys: () => ports.keys(),
  current: () => ports.decided(),
});
