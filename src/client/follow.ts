import { type Opening, resumed } from './resume.ts';

export type FollowOptions = {
  readonly stream?: 'stdout' | 'stderr';
  /** Bytes to leave out. */
  readonly offset?: number;
  /** Whether to wait for what the job has yet to write; yes unless given. */
  readonly follow?: boolean;
  /** Of which of the job's processes; 0, the main one, unless given. */
  readonly rank?: number;
  /** Of an array: of which task, by its index. */
  readonly task?: number;
};

/** Reads a log; a lost connection costs no byte and gives none twice. */
export function follow(
  opening: Opening,
  id: string,
  wanted: FollowOptions,
): AsyncGenerator<Uint8Array, void, void> {
  let offset = wanted.offset ?? 0;
  const asked = {
    id,
    stream: wanted.stream ?? 'stdout',
    follow: wanted.follow ?? true,
    rank: wanted.rank ?? 0,
    ...(wanted.task !== undefined && { task: wanted.task }),
  };
  const open = () => ({ kind: 'log.follow', body: { ...asked, offset } });
  return resumed(opening, open, async function* (stream, moved) {
    stream.end();
    for await (const bytes of stream.read()) {
      moved();
      offset += bytes.length;
      yield bytes;
    }
  });
}
