import { afterEach, expect } from 'vitest';
import type { Gate } from '../../../src/actors/ports.ts';
import { Failed, type Failure } from '../../../src/protocol/errors.ts';
import type { Asked, Mischief, ServiceOptions } from './gate-service.ts';
import { type HttpWorld, httpWorld } from './gate-world.ts';

type Given = Partial<Omit<ServiceOptions, 'credentials'>>;

/** A world for each test, which is closed after it; then its service must have no complaint. */
export function worldOfEach(): {
  readonly world: () => HttpWorld;
  readonly opened: (options?: Given, settings?: object) => Promise<Gate>;
  readonly asked: (method: string) => readonly Asked[];
} {
  let world: HttpWorld;
  afterEach(async () => {
    await world.close();
    expect(world.service.wrongs).toEqual([]);
  });
  return {
    world: () => world,
    opened: async (options = {}, settings = {}) => {
      world = await httpWorld({ provider: 'azure', ...options }, settings);
      return world.open();
    },
    asked: (method) => world.service.asked.filter((each) => each.method === method),
  };
}

export async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const error = await work.then(
    () => undefined,
    (why: unknown) => why,
  );
  if (!(error instanceof Failed)) throw new Error(`no failure: ${String(error)}`);
  return error.failure;
}

export const says = (status: number, body: string | object, headers = {}): Mischief => ({
  is: 'says',
  status,
  body,
  headers,
});
