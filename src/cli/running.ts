import { resolve } from 'node:path';
import { Usage } from './exits.ts';
import { spoolOf } from './spool-of.ts';
import { type Call, isOn, listOf, type Options, textOf } from './verb.ts';

/** Becomes a node. The rest of swm is loaded here, and by no command that merely asks. */
export async function runOnSpool({ options }: Call, dev: boolean): Promise<number> {
  const { runNode } = await import('../node.ts');
  return runNode({
    spool: spoolOf(options),
    configFile: textOf(options, 'config'),
    dev,
    ephemeral: isOn(options, 'ephemeral'),
    flags: { ...flagsOf(listOf(options, 'set')), ...joinOf(options) },
  });
}

/** A file that is named here lies here, wherever the configuration does. */
function joinOf(options: Options): Readonly<Record<string, string>> {
  const file = textOf(options, 'join');
  return file === undefined ? {} : { join: resolve(file) };
}

/** `key=value` each. */
export function flagsOf(texts: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      if (at < 1) throw new Usage(`swm: --set: ${text} is not KEY=VALUE`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}
