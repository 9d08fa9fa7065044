import type { Client } from '../client/client.ts';
import type { Screen } from './screen.ts';

/** What commander found on the command line, by the long name of each option. */
export type Options = Readonly<Record<string, unknown>>;

/** One call of a verb. */
export type Call = {
  readonly args: readonly string[];
  /** Those that stand behind a `--`; undefined where there is none. */
  readonly behind?: readonly string[] | undefined;
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

export type Flag = readonly [flags: string, help: string, kind?: 'list'];

/** A row for each verb: what it is called with, and the file that does it, loaded when called. */
export type VerbRow = {
  /** One word, or two: then the first is a group of `groups`. */
  readonly name: string;
  /** As commander writes them: `<one>`, `[perhaps]`, `[many...]`. */
  readonly args: string;
  readonly help: string;
  readonly flags: readonly Flag[];
  /**
   * `node`: it is a node itself, or makes one; the others speak to one, if they are not `local`.
   * `held`: it has something to end, also when it is interrupted, and does that itself.
   */
  readonly is: 'call' | 'held' | 'node' | 'local';
  readonly load: () => Promise<{ readonly run: Run }>;
};
