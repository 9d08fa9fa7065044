import { setTimeout as pause } from 'node:timers/promises';
import type { Hardware, Order } from './machines.ts';
import type { Manners, Refusal } from './manners.ts';
import { coresOf } from './offers.ts';

/** An answer that is no success, as Azure words it. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export type Body = { readonly [key: string]: unknown };

export type Thing = { readonly id: string; body: Body; isReady: boolean; address: string };

export type Machine = {
  readonly order: Order;
  readonly body: Body;
  readonly cores: number;
  state: 'Creating' | 'Succeeded' | 'Failed';
  power: 'starting' | 'running' | 'deallocated';
  failure: Refusal | undefined;
};

export type Group = {
  readonly name: string;
  readonly location: string;
  tags: Readonly<Record<string, string>>;
  state: 'Succeeded' | 'Deleting';
  readonly hiddenUntil: number;
  readonly things: Map<string, Thing>;
  readonly machines: Map<string, Machine>;
};

type Operation = { state: 'InProgress' | 'Succeeded' | 'Failed'; failure: Refusal | undefined };

/** What exists at the site, and what ever did. It knows no HTTP. Names are of lower case here. */
export class Site {
  readonly manners: Manners;
  readonly #hardware: Hardware;
  readonly groups = new Map<string, Group>();
  readonly operations = new Map<string, Operation>();
  /** The ids of all groups, things and machines that were ever made, each as often as it was. */
  readonly made: string[] = [];
  /** What is not over yet. */
  readonly #work = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  #addresses = 0;
  #operations = 0;

  constructor(manners: Manners, hardware: Hardware) {
    this.manners = manners;
    this.#hardware = hardware;
  }

  /** Everything that is there, of whatever kind. */
  left(): readonly string[] {
    return [...this.groups.values()].flatMap(({ name, things, machines }) => [
      `group ${name}`,
      ...[...things.keys()].map((id) => `thing ${id}`),
      ...[...machines.keys()].map((machine) => `machine ${machine}`),
    ]);
  }

  machines(): readonly Machine[] {
    return [...this.groups.values()].flatMap(({ machines }) => [...machines.values()]);
  }

  putGroup(name: string, body: Body): { readonly group: Group; readonly isNew: boolean } {
    const before = this.groups.get(name.toLowerCase());
    const tags = (body['tags'] ?? {}) as Group['tags'];
    if (before?.state === 'Deleting')
      throw new Refused(409, 'ResourceGroupBeingDeleted', `The group '${name}' is being deleted.`);
    if (before !== undefined) {
      before.tags = tags;
      return { group: before, isNew: false };
    }
    const group: Group = {
      name,
      location: String(body['location']),
      tags,
      state: 'Succeeded',
      hiddenUntil: performance.now() + this.manners.hiddenMs,
      things: new Map(),
      machines: new Map(),
    };
    this.groups.set(name.toLowerCase(), group);
    this.made.push(`group ${name}`);
    return { group, isNew: true };
  }

  /** The groups that it shows. */
  shown(): readonly Group[] {
    return [...this.groups.values()].filter((group) => group.hiddenUntil <= performance.now());
  }

  group(name: string): Group {
    const group = this.shown().find((each) => each.name.toLowerCase() === name.toLowerCase());
    if (group !== undefined) return group;
    throw new Refused(404, 'ResourceGroupNotFound', `Resource group '${name}' could not be found.`);
  }

  /** Removes a group, and gives the id of the operation. A second order joins the first. */
  deleteGroup(name: string): string {
    const group = this.group(name);
    const operation = this.#operation();
    if (group.state === 'Deleting') {
      this.#track(operation.id, () => this.#gone(group));
      return operation.id;
    }
    group.state = 'Deleting';
    this.#track(operation.id, () => this.#remove(group));
    return operation.id;
  }

  async #gone(group: Group): Promise<void> {
    while (this.groups.get(group.name.toLowerCase()) === group && group.state === 'Deleting')
      await this.#pass(5);
  }

  async #remove(group: Group): Promise<void> {
    await this.#pass(this.manners.removeMs);
    for (const [name, machine] of group.machines) {
      await this.#hardware.kill(machine.order);
      group.machines.delete(name);
    }
    if (this.manners.failedRemovals > 0) {
      this.manners.failedRemovals -= 1;
      group.state = 'Succeeded';
      const message = `Deletion of resource group '${group.name}' failed: a network is in use.`;
      throw new Refused(409, 'ResourceGroupDeletionBlocked', message);
    }
    group.things.clear();
    this.groups.delete(group.name.toLowerCase());
  }

  putThing(groupName: string, id: string, body: Body): { thing: Thing; operation: string } {
    const group = this.#open(groupName);
    const before = group.things.get(id);
    if (before !== undefined) {
      before.body = body;
      return { thing: before, operation: '' };
    }
    const isAddress = id.includes('/publicipaddresses/');
    const address = isAddress ? this.#address() : '';
    const thing: Thing = { id, body, isReady: false, address };
    this.#checkReferences(group, thing);
    group.things.set(id, thing);
    this.made.push(`thing ${id}`);
    const operation = this.#operation();
    this.#track(operation.id, async () => {
      await this.#pass(this.manners.networkMs);
      thing.isReady = true;
    });
    return { thing, operation: operation.id };
  }

  /** What a thing names must be there and ready, and a private address is had by one card only. */
  #checkReferences(group: Group, { id, body }: Thing): void {
    const text = JSON.stringify(body['properties'] ?? {});
    for (const [, full] of text.matchAll(/"id":"([^"]+)"/g)) {
      const named = full!.toLowerCase().replace(/\/subnets\/.*$/, '');
      const other = group.things.get(named);
      if (other === undefined)
        throw new Refused(400, 'InvalidResourceReference', `${id} names ${full}: not found.`);
      if (!other.isReady)
        throw new Refused(429, 'ReferencedResourceNotProvisioned', `${full} is not Succeeded.`);
    }
    const own = /"privateIPAddress":"([^"]+)"/.exec(text)?.[1];
    const isTaken = [...group.things.values()].some(
      (each) => own !== undefined && JSON.stringify(each.body).includes(`"${own}"`),
    );
    if (isTaken) throw new Refused(400, 'PrivateIPAddressInUse', `${own} is in use.`);
  }

  putMachine(
    groupName: string,
    body: Body,
    order: Order,
  ): { machine: Machine; operation: string; isNew: boolean } {
    const group = this.#open(groupName);
    const before = group.machines.get(order.name);
    if (before !== undefined) {
      if (before.order.customData !== order.customData || before.order.size !== order.size)
        throw new Refused(409, 'PropertyChangeNotAllowed', 'osProfile.customData may not change.');
      return { machine: before, operation: '', isNew: false };
    }
    const cores = this.#checkMachine(group, body, order);
    const machine: Machine = {
      order,
      body,
      cores,
      state: 'Creating',
      power: 'starting',
      failure: undefined,
    };
    group.machines.set(order.name, machine);
    this.made.push(`machine ${order.name}`);
    const operation = this.#operation();
    this.#track(operation.id, () => this.#boot(machine));
    return { machine, operation: operation.id, isNew: true };
  }

  #checkMachine(group: Group, body: Body, { name, size }: Order): number {
    this.#checkReferences(group, {
      id: name,
      body: { properties: (body['properties'] as Body)['networkProfile'] },
      isReady: true,
      address: '',
    });
    const refusal = this.manners.refuseOrder(name);
    if (refusal !== undefined) throw new Refused(409, refusal.code, refusal.message);
    const cores = coresOf(size);
    if (cores === undefined)
      throw new Refused(400, 'InvalidParameter', `The value ${size} of vmSize is invalid.`);
    const used = this.machines().reduce((sum, each) => sum + each.cores, 0);
    if (used + cores > this.manners.cores) {
      const text =
        'Operation could not be completed: exceeding approved Total Regional Cores quota.';
      throw new Refused(409, 'OperationNotAllowed', `${text} Limit: ${this.manners.cores}`);
    }
    return cores;
  }

  async #boot(machine: Machine): Promise<void> {
    await this.#pass(this.manners.bootMs);
    const refusal = this.manners.refuseBoot(machine.order.name);
    if (refusal === undefined) {
      await this.#hardware.boot(machine.order);
      machine.state = 'Succeeded';
      machine.power = 'running';
      return;
    }
    machine.state = 'Failed';
    machine.failure = refusal;
    throw new Refused(409, refusal.code, refusal.message);
  }

  /** Azure wants a spot machine back: it is switched off, and stays. */
  async evict(name: string): Promise<void> {
    const machine = this.machines().find(({ order }) => order.name === name);
    if (machine === undefined) throw new Error(`there is no machine ${name}`);
    await this.#hardware.kill(machine.order);
    machine.power = 'deallocated';
  }

  /** A group that takes things in. */
  #open(name: string): Group {
    const group = this.group(name);
    if (group.state === 'Succeeded') return group;
    throw new Refused(409, 'ResourceGroupBeingDeleted', `The group '${name}' is being deleted.`);
  }

  async #pass(ms: number): Promise<void> {
    await pause(ms, undefined, { signal: this.#closing.signal });
  }

  #address(): string {
    this.#addresses += 1;
    return `127.80.${Math.floor(this.#addresses / 250)}.${(this.#addresses % 250) + 2}`;
  }

  #operation(): { readonly id: string } {
    this.#operations += 1;
    const id = `op-${this.#operations}`;
    this.operations.set(id, { state: 'InProgress', failure: undefined });
    return { id };
  }

  #track(id: string, work: () => Promise<void>): void {
    const operation = this.operations.get(id)!;
    const done = work().then(
      () => {
        operation.state = 'Succeeded';
      },
      (error: unknown) => {
        operation.state = 'Failed';
        const { message } = error as Error;
        const code = error instanceof Refused ? error.code : 'InternalServerError';
        operation.failure = { code, message };
      },
    );
    this.#work.add(done);
    void done.then(() => this.#work.delete(done));
  }

  /** Ends all that is there, whatever it is doing. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#work);
    for (const { order } of this.machines()) await this.#hardware.kill(order);
  }
}
