/** Where a command prints: results to stdout, notes for people to stderr. */
export type Screen = {
  /** Whether results are wanted as data: as JSON, or as YAML in its place. */
  readonly json: boolean;
  /** Whether stdout, and stderr, is looked at by somebody. */
  readonly isTerminal: boolean;
  readonly notesAreSeen: boolean;
  readonly columns: number;
  /** A line of the result. */
  print(line: string): void;
  /** The result as data: of JSON one line, of YAML a document. */
  printJson(value: unknown): void;
  note(line: string): void;
  /** Raw bytes of a result; resolves when there is room for more. */
  write(bytes: Uint8Array): Promise<void>;
  /** Text that is rewritten in place on stderr; '' clears it. Nothing where nobody looks. */
  status(text: string): void;
  /** Colours a text for stdout, if somebody looks and does not mind. */
  paint(colour: Colour, text: string): string;
};

export type Colour = 'red' | 'green' | 'yellow' | 'blue' | 'dim' | 'bold';

const codes: Readonly<Record<Colour, number>> = {
  red: 31,
  green: 32,
  yellow: 33,
  blue: 34,
  dim: 2,
  bold: 1,
};

/** What is narrower than this is no terminal that anybody uses. */
const COLUMNS_MIN = 40;
/** Of those that do not tell, or say that they have none. */
const COLUMNS_USUAL = 80;

export function openScreen(
  json: boolean,
  written: (value: unknown) => string = JSON.stringify,
): Screen {
  const { stdout, stderr, env } = process;
  const isTerminal = stdout.isTTY === true;
  const notesAreSeen = stderr.isTTY === true;
  const dull = !isTerminal || (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';
  let shown = '';
  const status = (text: string): void => {
    if (!notesAreSeen || text === shown) return;
    shown = text;
    stderr.write(`\r\x1b[K${text.slice(0, (stderr.columns || COLUMNS_USUAL) - 1)}`);
  };
  const clear = (): void => status('');
  process.once('exit', clear);
  return {
    json,
    isTerminal,
    notesAreSeen,
    columns: Math.max(COLUMNS_MIN, stdout.columns || COLUMNS_USUAL),
    print(line) {
      clear();
      stdout.write(`${line}\n`);
    },
    printJson(value) {
      clear();
      stdout.write(`${written(value)}\n`);
    },
    note(line) {
      clear();
      stderr.write(`${line}\n`);
    },
    async write(bytes) {
      clear();
      if (stdout.write(bytes)) return;
      await new Promise<void>((resolve) => stdout.once('drain', resolve));
    },
    status,
    paint: (colour, text) => (dull ? text : `\x1b[${codes[colour]}m${text}\x1b[0m`),
  };
}

/** Text of others, such as a job's name, must not steer the terminal that it is printed on. */
export const harmless = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu, '\ufffd');
