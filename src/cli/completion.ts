import type { Command } from 'commander';
import { exits, Usage } from './exits.ts';
import { programOf } from './program.ts';
import type { Call } from './verb.ts';

type Word = { readonly name: string; readonly help: string };
/** The verbs, and the options of each; those of every verb are under ''. */
export type Grammar = {
  readonly verbs: readonly Word[];
  readonly options: ReadonlyMap<string, readonly Word[]>;
};

/** Verbs whose first argument is a file; the others that take arguments take job ids. */
const FILES = ['submit'];
const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** Prints what makes a shell complete the command. */
export async function run({ args, screen }: Call): Promise<number> {
  const shell = SHELLS.find((one) => one === args[0]);
  if (shell === undefined) throw new Usage(`swm: completion is there for ${SHELLS.join(', ')}`);
  const grammar = grammarOf(programOf());
  screen.print({ bash, zsh, fish }[shell](grammar));
  return exits.good;
}

export function grammarOf(program: Command): Grammar {
  const words = (command: Command): readonly Word[] =>
    command.options.flatMap(({ long, description }) =>
      typeof long === 'string' ? [{ name: long, help: description }] : [],
    );
  const verbs = program.commands.map((command) => ({
    name: command.name(),
    help: command.description(),
  }));
  const options = new Map(program.commands.map((command) => [command.name(), words(command)]));
  return { verbs, options: options.set('', words(program)) };
}

const names = (words: readonly Word[]): string => words.map(({ name }) => name).join(' ');

function optionsOf({ options }: Grammar, verb: string): readonly Word[] {
  return [...(options.get(verb) ?? []), ...(options.get('') ?? [])];
}

function bash(grammar: Grammar): string {
  const cases = grammar.verbs.map(
    ({ name }) => `    ${name}) options="${names(optionsOf(grammar, name))}" ;;`,
  );
  return `# swm completion bash > /etc/bash_completion.d/swm
_swm() {
  local word=\${COMP_WORDS[COMP_CWORD]} verb= options= at
  for ((at = 1; at < COMP_CWORD; at++)); do
    case \${COMP_WORDS[at]} in -*) ;; *) verb=\${COMP_WORDS[at]}; break ;; esac
  done
  case $verb in
    '') options="${names(grammar.verbs)} ${names(grammar.options.get('') ?? [])}" ;;
${cases.join('\n')}
  esac
  case $word in
    -*) COMPREPLY=($(compgen -W "$options" -- "$word")) ;;
    *) if [ -z "$verb" ]; then COMPREPLY=($(compgen -W "$options" -- "$word"))
       else COMPREPLY=($(compgen -f -- "$word")); fi ;;
  esac
}
complete -o filenames -F _swm swm`;
}

/** In single quotes, as zsh and fish read them. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

function zsh(grammar: Grammar): string {
  const verbs = grammar.verbs.map(({ name, help }) => `    ${quoted(`${name}:${help}`)}`);
  const plain = (text: string): string => text.replaceAll(/[[\]:]/g, ' ');
  const cases = grammar.verbs.map(({ name }) => {
    const flags = optionsOf(grammar, name).map((word) =>
      quoted(`${word.name}[${plain(word.help)}]`),
    );
    const rest = FILES.includes(name) ? "'*:file:_files'" : '';
    return `    ${name}) _arguments ${flags.join(' ')} ${rest} ;;`;
  });
  return `#compdef swm
# swm completion zsh > "\${fpath[1]}/_swm"
_swm() {
  local -a verbs
  verbs=(
${verbs.join('\n')}
  )
  if ((CURRENT == 2)); then _describe verb verbs; return; fi
  case $words[2] in
${cases.join('\n')}
  esac
}
_swm "$@"`;
}

function fish(grammar: Grammar): string {
  const verbs = grammar.verbs.map(
    ({ name, help }) => `complete -c swm -n __fish_use_subcommand -f -a ${name} -d ${quoted(help)}`,
  );
  const flags = [...grammar.options].flatMap(([verb, words]) =>
    words.map(({ name, help }) => {
      const when = verb === '' ? '' : ` -n '__fish_seen_subcommand_from ${verb}'`;
      return `complete -c swm${when} -l ${name.slice(2)} -d ${quoted(help)}`;
    }),
  );
  return ['# swm completion fish > ~/.config/fish/completions/swm.fish', ...verbs, ...flags].join(
    '\n',
  );
}
