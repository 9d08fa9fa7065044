import type { Command } from 'commander';
import { exits, Usage } from './exits.ts';
import { programOf } from './program.ts';
import type { Call } from './verb.ts';

type Word = { readonly name: string; readonly help: string };
/** First words, the second ones of groups, and the options of verbs; those of all are under ''. */
export type Grammar = {
  readonly verbs: readonly Word[];
  readonly under: ReadonlyMap<string, readonly Word[]>;
  readonly options: ReadonlyMap<string, readonly Word[]>;
};

/** Verbs whose first argument is a file; the others that take arguments take job ids. */
const FILES = ['submit', 'dag submit', 'schedule add'];
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
  const under = new Map<string, readonly Word[]>();
  const options = new Map([['', flagsOf(program)]]);
  for (const command of program.commands) {
    const name = command.name();
    if (command.commands.length === 0) options.set(name, flagsOf(command));
    else under.set(name, command.commands.map(wordOf));
    for (const inner of command.commands) options.set(`${name} ${inner.name()}`, flagsOf(inner));
  }
  return { verbs: program.commands.map(wordOf), under, options };
}

const wordOf = (command: Command): Word => ({ name: command.name(), help: command.description() });

const flagsOf = (command: Command): readonly Word[] =>
  command.options.flatMap(({ long, description }) =>
    typeof long === 'string' ? [{ name: long, help: description }] : [],
  );

const names = (words: readonly Word[]): string => words.map(({ name }) => name).join(' ');

function optionsOf({ options }: Grammar, verb: string): readonly Word[] {
  return [...(options.get(verb) ?? []), ...(options.get('') ?? [])];
}

function bash(grammar: Grammar): string {
  const cases = grammar.verbs.map(({ name }) => {
    const under = grammar.under.get(name);
    if (under === undefined) return `    ${name}) options="${names(optionsOf(grammar, name))}" ;;`;
    const inner = under.map((sub) => {
      const options = names(optionsOf(grammar, `${name} ${sub.name}`));
      return `      ${sub.name}) words= options="${options}" ;;`;
    });
    return `    ${name}) words="${names(under)}"
      case $sub in
${inner.join('\n').replaceAll(/^/gm, '  ')}
      esac ;;`;
  });
  return `# swm completion bash > /etc/bash_completion.d/swm
_swm() {
  local word=\${COMP_WORDS[COMP_CWORD]} verb= sub= words= options= at
  for ((at = 1; at < COMP_CWORD; at++)); do
    case \${COMP_WORDS[at]} in
      -*) ;;
      *) if [ -z "$verb" ]; then verb=\${COMP_WORDS[at]}; else sub=\${COMP_WORDS[at]}; break; fi ;;
    esac
  done
  case $verb in
    '') words="${names(grammar.verbs)}" options="${names(grammar.options.get('') ?? [])}" ;;
${cases.join('\n')}
  esac
  case $word in
    -*) COMPREPLY=($(compgen -W "$options" -- "$word")) ;;
    *) if [ -n "$words" ]; then COMPREPLY=($(compgen -W "$words" -- "$word"))
       else COMPREPLY=($(compgen -f -- "$word")); fi ;;
  esac
}
complete -o filenames -F _swm swm`;
}

/** In single quotes, as zsh and fish read them. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

const described = (words: readonly Word[]): string =>
  words.map(({ name, help }) => quoted(`${name}:${help}`)).join(' ');

/** What one verb takes, for zsh. */
function zshArguments(grammar: Grammar, verb: string): string {
  const plain = (text: string): string => text.replaceAll(/[[\]:]/g, ' ');
  const flags = optionsOf(grammar, verb).map(({ name, help }) => quoted(`${name}[${plain(help)}]`));
  return `_arguments ${flags.join(' ')} ${FILES.includes(verb) ? "'*:file:_files'" : ''}`.trim();
}

function zsh(grammar: Grammar): string {
  const cases = grammar.verbs.map(({ name }) => {
    const under = grammar.under.get(name);
    if (under === undefined) return `    ${name}) ${zshArguments(grammar, name)} ;;`;
    const inner = under.map(
      (sub) => `        ${sub.name}) ${zshArguments(grammar, `${name} ${sub.name}`)} ;;`,
    );
    return `    ${name})
      verbs=(${described(under)})
      if ((CURRENT == 3)); then _describe verb verbs; return; fi
      case $words[3] in
${inner.join('\n')}
      esac ;;`;
  });
  return `#compdef swm
# swm completion zsh > "\${fpath[1]}/_swm"
_swm() {
  local -a verbs
  verbs=(${described(grammar.verbs)})
  if ((CURRENT == 2)); then _describe verb verbs; return; fi
  case $words[2] in
${cases.join('\n')}
  esac
}
_swm "$@"`;
}

function fish(grammar: Grammar): string {
  const seen = (words: string): string => `__fish_seen_subcommand_from ${words}`;
  const offered = (when: string, words: readonly Word[]): readonly string[] =>
    words.map(
      ({ name, help }) => `complete -c swm -n ${quoted(when)} -f -a ${name} -d ${quoted(help)}`,
    );
  const inner = [...grammar.under].flatMap(([verb, words]) =>
    offered(`${seen(verb)}; and not ${seen(names(words))}`, words),
  );
  const flags = [...grammar.options].flatMap(([verb, words]) =>
    words.map(({ name, help }) => {
      const when = verb.split(' ').map(seen).join('; and ');
      const only = verb === '' ? '' : ` -n ${quoted(when)}`;
      return `complete -c swm${only} -l ${name.slice(2)} -d ${quoted(help)}`;
    }),
  );
  const first = offered('__fish_use_subcommand', grammar.verbs);
  return [
    '# swm completion fish > ~/.config/fish/completions/swm.fish',
    ...first,
    ...inner,
    ...flags,
  ].join('\n');
}
