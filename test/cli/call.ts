import type { Screen } from '../../src/cli/screen.ts';
import type { Call, Options } from '../../src/cli/verb.ts';
import type { Client } from '../../src/client/client.ts';
import { Failed } from '../../src/protocol/errors.ts';
import type { WatchRow } from '../../src/protocol/watch-row.ts';

export type Heard = {
  readonly out: string[];
  readonly notes: string[];
  /** What the head was asked. */
  readonly asked: (readonly [name: string, body: object])[];
};

export type Staged = {
  readonly args?: readonly string[];
  readonly options?: Options;
  readonly json?: boolean;
  /** What the head answers to each call, by its name; it refuses all others. */
  readonly answers?: Readonly<Record<string, object | Failed>>;
  readonly watched?: () => AsyncGenerator<WatchRow, void, void>;
};

/** A call of a verb whose head and whose screen are in memory. */
export function staged(scene: Staged): Call & Heard {
  const { args = [], options = {}, json = false, answers = {}, watched } = scene;
  const heard: Heard = { out: [], notes: [], asked: [] };
  const screen: Screen = {
    json,
    isTerminal: false,
    notesAreSeen: false,
    columns: 80,
    print: (line) => void heard.out.push(line),
    printJson: (value) => void heard.out.push(JSON.stringify(value)),
    note: (line) => void heard.notes.push(line),
    write: async (bytes) => void heard.out.push(new TextDecoder().decode(bytes)),
    status: () => {},
    paint: (_, text) => text,
  };
  const client = {
    async call(name: string, body: object) {
      heard.asked.push([name, body]);
      const answer = answers[name] ?? new Failed('refused', `${name} was not expected`);
      if (answer instanceof Failed) throw answer;
      return answer;
    },
    watch: watched,
    close: () => {},
  } as unknown as Client;
  return { args, options, screen, client: async () => client, ...heard };
}
