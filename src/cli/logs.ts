import { exits } from './exits.ts';
import { countOf } from './jobs.ts';
import { named, oneTask } from './task-ids.ts';
import { type Call, isOn } from './verb.ts';

/** Prints a log's bytes as they are; with `--json`, a line of JSON for each piece. */
export async function run({ args, options, screen, client }: Call): Promise<number> {
  const open = await client();
  const stream = isOn(options, 'stderr') ? 'stderr' : 'stdout';
  let offset = countOf(stringOf(options['offset']), 'offset') ?? 0;
  const asked = named(args[0]!);
  const task = oneTask(args[0]!, asked);
  const wanted = {
    stream,
    ...(task !== undefined && { task }),
    offset,
    follow: isOn(options, 'follow'),
    rank: countOf(stringOf(options['rank']), 'rank') ?? 0,
  } as const;
  // A beginning of an id is made whole by the session, which streams do not pass.
  const { job } = await open.call('job.show', { id: asked.id });
  const text = new TextDecoder();
  for await (const bytes of open.follow(job.id, wanted)) {
    if (screen.json)
      screen.printJson({ id: job.id, stream, offset, text: text.decode(bytes, { stream: true }) });
    else await screen.write(bytes);
    offset += bytes.length;
  }
  return exits.good;
}

const stringOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined;
