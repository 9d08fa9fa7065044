import { pino } from 'pino';
import { limits } from '../protocol/limits.ts';
import type { Level, LogLevel, Note } from '../runtime/ports.ts';
import { LogFile } from './log-file.ts';
import { redact, redactText } from './redact.ts';

/** Where notes are shown besides the file; the process's stderr is one. */
export type Screen = {
  readonly isTTY?: boolean;
  write(text: string): unknown;
};

export type LogOptions = {
  readonly node: string;
  /** Notes below this are dropped. */
  readonly level: Level;
  /** A path, made 0600; it becomes `PATH.1` when it is full. */
  readonly file?: string;
  /** A terminal is shown a line for people, anything else a line of JSON. */
  readonly screen?: Screen;
};

export type Log = {
  /** Never throws, and writes no secret. */
  readonly note: Note;
  readonly level: LogLevel;
  /** Writes out what waits for the end of this turn; done by itself at the process's exit. */
  flush(): void;
  close(): void;
};

type Line = { write(line: string): void };

export const levels: readonly Level[] = ['debug', 'info', 'warn', 'error'];

/** Opens the log of a node. Throws `Failed` when its file cannot be written. */
export function openLog({ node, level, file, screen }: LogOptions): Log {
  const complain = (text: string): void => void screen?.write(`${text}\n`);
  const kept = file === undefined ? undefined : new LogFile(file, limits.logFileBytesMax, complain);
  const lines: Line[] = kept ? [kept] : [];
  const people = screen?.isTTY ? screen : undefined;
  if (screen && !people) lines.push({ write: (line) => void screen.write(line) });
  const json = pino(
    {
      level,
      base: { node },
      messageKey: 'text',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    {
      write: (line) => {
        for (const to of lines) to.write(line);
      },
    },
  );
  let least = level;
  const note: Note = (at, path, text, fields) => {
    if (levels.indexOf(at) < levels.indexOf(least)) return;
    const clean = cleanFields(fields);
    const said = redactText(text);
    const of = redactText(path);
    if (lines.length > 0) json[at]({ path: of, ...(clean && { fields: clean }) }, said);
    people?.write(`${lineFor(at, of, said, clean)}\n`);
  };
  return {
    note,
    level: (wanted = least) => {
      least = wanted;
      json.level = wanted;
      return least;
    },
    flush: () => kept?.flush(),
    close: () => kept?.close(),
  };
}

/** A getter may throw; a note about trouble must not make more of it. */
function cleanFields(fields: object | undefined): object | undefined {
  if (fields === undefined) return undefined;
  try {
    return redact(fields) as object;
  } catch (error) {
    return { unreadable: redactText(String(error)) };
  }
}

const colours: Readonly<Record<Level, string>> = {
  debug: '2',
  info: '36',
  warn: '33',
  error: '31',
};

/** One line for a terminal: nothing in a note can steer it or look like another line. */
function lineFor(level: Level, path: string, text: string, fields: object | undefined): string {
  const time = new Date().toTimeString().slice(0, 8);
  const pairs = Object.entries(fields ?? {}).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const coloured = `\x1b[${colours[level]}m${level.padEnd(5)}\x1b[0m`;
  const said = [path, text, ...pairs].filter((part) => part !== '').map(plain);
  return `${time} ${coloured} ${said.join('  ')}`;
}

const plain = (text: string): string =>
  text.replace(
    /[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
