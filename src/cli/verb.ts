import type { Client } from '../client/client.ts';
import type { Screen } from './screen.ts';

/** What commander found on the command line, by the long name of each option. */
export type Options = Readonly<Record<string, unknown>>;

/** One call of a verb. */
export type Call = {
  readonly args: readonly string[];
  readonly options: Options;
  readonly screen: Screen;
  /** Connects to the node that the options name, once. Throws `Failed`. */
  readonly client: () => Promise<Client>;
};

/** A verb's file exports `run`; it gives the exit code. */
export type Run = (call: Call) => Promise<number>;

export const textOf = (options: Options, name: string): string | undefined => {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
};

export const isOn = (options: Options, name: string): boolean => options[name] === true;

export const listOf = (options: Options, name: string): readonly string[] => {
  const value = options[name];
  return Array.isArray(value) ? value.map(String) : [];
};
