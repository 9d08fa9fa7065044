import type { Opening } from './resume.ts';
import type { Stream } from './stream.ts';

/** Connects to a port of a job; resolves once the job has taken the connection. */
export async function forward(
  { lines, connectMs }: Opening,
  job: string,
  port: number,
): Promise<Stream> {
  const line = await lines.get(connectMs);
  const stream = line.open('job.port', { job, port });
  await stream.accepted();
  return stream;
}
