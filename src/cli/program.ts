import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import type { Client } from '../client/client.ts';
import { exits, explain } from './exits.ts';
import { openScreen, type Screen } from './screen.ts';
import type { Call, VerbRow } from './verb.ts';
import { groups, verbs } from './verbs.ts';

/** `isNode`: it was one, and may have something left to write. `args`: what was called. */
type Ended = { code: number; isNode: boolean; readonly args: readonly string[] };

/** Options of every verb; they may stand before it or behind it. */
const everywhere: readonly (readonly [flags: string, help: string])[] = [
  ['--spool <directory>', 'the node’s directory; ~/.swm/spool, else /opt/swm/spool'],
  ['--url <url>', 'the head to speak to, or several with commas, instead of the one of the spool'],
  ['--cert <file>', 'a user’s certificate, instead of the spool’s admin'],
  ['--key <file>', 'the key of that certificate'],
  ['--ca <file>', 'the authorities to believe'],
  ['--context <name>', 'the installation of that name; `swm context` keeps them'],
  ['--json', 'results as JSON, the last line of stdout'],
  ['--yaml', 'results as YAML, a document each'],
];

/** Runs the command line, and gives the exit code. */
export async function runCommand(args: readonly string[]): Promise<Readonly<Ended>> {
  const ended: Ended = { code: exits.good, isNode: false, args };
  try {
    await programOf(ended, named(args)).parseAsync([...args], { from: 'user' });
  } catch (error) {
    // `swm` alone is a question, not a fault of whoever typed it; but it did nothing either.
    if (!(error instanceof CommanderError)) ended.code = explain(await screenOf(args), error);
    else ended.code = error.exitCode === 0 ? exits.good : exits.usage;
  }
  return ended;
}

/** The verb that is called, or all of them to choose from: making all takes as long as a call. */
function named(args: readonly string[]): readonly VerbRow[] {
  const found = verbs.filter(({ name }) => args.includes(name.split(' ')[0]!));
  return found.length === 0 || args.includes('help') ? verbs : found;
}

/** Prints results as they are wanted; what writes YAML is loaded only where that is. */
async function screenOf(args: readonly string[]): Promise<Screen> {
  if (!args.includes('--yaml')) return openScreen(args.includes('--json'));
  const { stringify } = await import('yaml');
  return openScreen(true, (value) => `---\n${stringify(value).trimEnd()}`);
}

/** The whole command, for itself and for shells that complete it. */
export function programOf(
  ended: Ended = { code: 0, isNode: false, args: [] },
  offered = verbs,
): Command {
  const program = new Command('swm')
    .description('Runs your jobs on clusters that it makes for them, and leaves nothing behind.')
    .version(versionOf(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show this, or the help of a verb')
    .helpCommand('help [verb]', 'show the help of a verb')
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('`swm help` lists what there is')
    .exitOverride();
  for (const [flags, help] of everywhere) program.option(flags, help);
  for (const verb of offered) addVerb(program, verb, ended);
  return program;
}

function addVerb(program: Command, verb: VerbRow, ended: Ended): void {
  const words = verb.name.split(' ');
  const above = words.length === 1 ? program : groupOf(program, words[0]!);
  const command = above.command(`${words.at(-1)} ${verb.args}`.trim()).description(verb.help);
  const more = (value: string, before: readonly string[] = []): readonly string[] => [
    ...before,
    value,
  ];
  for (const [flags, help, kind] of verb.flags) {
    if (kind === 'list') command.option(flags, help, more);
    else command.option(flags, help);
  }
  command.action(async () => {
    const options = { ...program.opts(), ...command.opts() };
    ended.isNode = verb.is === 'node';
    const at = ended.args.indexOf('--');
    ended.code = await runVerb(verb, {
      args: command.processedArgs.flat().filter(isText),
      behind: at < 0 ? undefined : ended.args.slice(at + 1),
      options,
    });
  });
}

const groupOf = (program: Command, name: string): Command =>
  program.commands.find((command) => command.name() === name) ??
  program.command(name).description(groups[name] ?? '');

const isText = (arg: unknown): arg is string => typeof arg === 'string';

type Given = Pick<Call, 'args' | 'behind' | 'options'>;

async function runVerb(verb: VerbRow, given: Given): Promise<number> {
  const { options } = given;
  const formats = ['json', 'yaml'].filter((format) => options[format] === true);
  const screen = await screenOf(formats.map((format) => `--${format}`));
  let client: Promise<Client> | undefined;
  const connected = async (): Promise<Client> => {
    const { openClient } = await import('./place.ts');
    return openClient(options);
  };
  if (verb.is === 'call') leaveOnInterrupt();
  try {
    const { run } = await verb.load();
    return await run({
      ...given,
      screen,
      client: () => {
        client ??= connected();
        return client;
      },
    });
  } catch (error) {
    return explain(screen, error);
  } finally {
    await client?.then(
      (open) => open.close(),
      () => {},
    );
  }
}

/** The line of a progress bar is left as it was found; what was under way can be taken up again. */
function leaveOnInterrupt(): void {
  process.once('SIGINT', () => process.exit(exits.signal + constants.signals.SIGINT));
  process.once('SIGTERM', () => process.exit(exits.signal + constants.signals.SIGTERM));
}

function versionOf(): string {
  const places = ['../../package.json', '../package.json'];
  for (const place of places) {
    try {
      const text = readFileSync(join(import.meta.dirname, place), 'utf8');
      const { name, version } = JSON.parse(text) as { name?: string; version?: string };
      if (name === 'swm' && version !== undefined) return version;
    } catch {
      // A checkout has it two folders up, what is installed one.
    }
  }
  return 'unknown';
}
