// `xiaozhi-agent completion bash`: the commands, their words and options for the tabulator key, made of the table.
import { EXIT, Stop } from './exit.ts';
import { COMMANDS, type CommandRow, PLACES } from './table.ts';

export function completion(args: string[]): void {
  if (args.length !== 1 || args[0] !== 'bash') throw new Stop(EXIT.usage, 'completion takes one of: bash');
  process.stdout.write(bashCompletion());
}

function bashCompletion(): string {
  const names = COMMANDS.map(({ name }) => name).join(' ');
  return `# Completion for bash, made by: xiaozhi-agent completion bash
_xiaozhi_agent() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" words=""
  case "$previous" in
    --config | --token-file | --out)
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
      ;;
    --state-dir | --runtime-dir)
      mapfile -t COMPREPLY < <(compgen -d -- "$current")
      return
      ;;
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="${names} help --help --version"
  else
    case "\${COMP_WORDS[1]}" in
${COMMANDS.map(caseOf).join('\n')}
    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _xiaozhi_agent xiaozhi-agent
`;
}

function caseOf({ name, words = [], options = [] }: CommandRow): string {
  const all = [...words, ...options, ...PLACES, '--help'];
  return `      ${name}) words="${[...new Set(all)].join(' ')}" ;;`;
}
