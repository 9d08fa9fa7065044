import { createReadStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { limits } from '../protocol/limits.ts';
import type { AuditRow } from '../protocol/user-shapes.ts';
import type { Note } from '../runtime/ports.ts';
import { LogFile } from './log-file.ts';

/** What a head has noted of the changes that it was asked for. */
export type Audit = {
  readonly note: (row: AuditRow) => void;
  /** The newest of those that are wanted, in their order. */
  readonly rows: (wanted: (row: AuditRow) => boolean, limit: number) => Promise<AuditRow[]>;
  readonly close: () => void;
};

/** Keeps lines of JSON in a file of its own. Throws `Failed` when it cannot be written. */
export function openAudit(path: string, note: Note): Audit {
  const file = new LogFile(path, limits.auditFileBytesMax, (text) => note('error', '/audit', text));
  return {
    note: (row) => file.write(`${JSON.stringify(row)}\n`),
    async rows(wanted, limit) {
      file.flush();
      const rows: AuditRow[] = [];
      for (const part of [`${path}.1`, path]) {
        if (!existsSync(part)) continue;
        for await (const line of createInterface({ input: createReadStream(part) })) {
          const row = rowOf(line);
          if (row === undefined || !wanted(row)) continue;
          rows.push(row);
          if (rows.length > limit) rows.shift();
        }
      }
      return rows;
    },
    close: () => file.close(),
  };
}

/** A line that a crash or a full disk has cut says nothing. */
function rowOf(line: string): AuditRow | undefined {
  try {
    return JSON.parse(line) as AuditRow;
  } catch {
    return undefined;
  }
}
