import { Usage } from './exits.ts';
import { spoolOf } from './spool-of.ts';
import { type Call, isOn, listOf, textOf } from './verb.ts';

/** Becomes a node. The rest of swm is loaded here, and by no command that merely asks. */
export async function runOnSpool({ options }: Call, dev: boolean): Promise<number> {
  const { runNode } = await import('../node.ts');
  return runNode({
    spool: spoolOf(options),
    configFile: textOf(options, 'config'),
    dev,
    ephemeral: isOn(options, 'ephemeral'),
    flags: flagsOf(listOf(options, 'set')),
  });
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
