import Type, { type Static } from 'typebox';

/**
 * What existing clients expect, to the letter: no text is null, no list is missing, and a value
 * that is none of an enumeration costs them the whole list.
 */

const text = Type.String();
const texts = Type.Array(text);
const whole = Type.Integer();

const OlderResource = Type.Object({
  name: text,
  count: Type.Integer({ minimum: 0 }),
  value: Type.Optional(text),
});
export type OlderResource = Static<typeof OlderResource>;
const resources = Type.Array(OlderResource);

export const OlderJob = Type.Object({
  id: text,
  name: text,
  state: Type.Enum(['Q', 'W', 'T', 'R', 'F', 'E', 'C']),
  state_details: text,
  /** ISO 8601 in zone Z, or ''. */
  submit_time: text,
  start_time: text,
  end_time: text,
  /** Seconds. */
  duration: Type.Integer({ minimum: 0 }),
  exitcode: whole,
  signal: whole,
  node_names: texts,
  node_ips: texts,
  main_ip: text,
  remote_id: text,
  flavor_id: text,
  request: resources,
  resources,
  comment: text,
  checkpoint: text,
  checkpoint_dir: text,
  checkpoint_interval: text,
  last_checkpoint_time: text,
  checkpoint_display: text,
  /** Of one job alone. */
  script_content: Type.Optional(text),
});
export type OlderJob = Static<typeof OlderJob>;

export const OlderNode = Type.Object({
  id: text,
  name: text,
  host: text,
  api_port: whole,
  state_power: Type.Enum(['up', 'down']),
  state_alloc: Type.Enum(['busy', 'idle', 'maint', 'offline', 'stopped']),
  resources,
  roles: Type.Array(Type.Object({ id: text, name: text, comment: text })),
});
export type OlderNode = Static<typeof OlderNode>;

export const OlderFlavor = Type.Object({
  id: text,
  name: text,
  remote_id: text,
  resources,
  /** Of a node and hour. */
  price: Type.Number(),
});
export type OlderFlavor = Static<typeof OlderFlavor>;

export const OlderImage = Type.Object({
  id: text,
  name: text,
  remote_id: text,
  kind: Type.Enum(['cloud', 'container']),
  comment: text,
});
export type OlderImage = Static<typeof OlderImage>;

export const OlderRemote = Type.Object({
  id: text,
  name: text,
  account_id: text,
  server: text,
  port: whole,
  kind: text,
  default_image_id: text,
  default_flavor_id: text,
});
export type OlderRemote = Static<typeof OlderRemote>;

const Spread = Type.Object({
  avg: Type.Union([Type.Number(), Type.Null()]),
  max: Type.Union([Type.Number(), Type.Null()]),
});
export const OlderMetrics = Type.Object({
  job_id: text,
  cpu_percent: Spread,
  mem_bytes: Spread,
  gpu_util_percent: Spread,
  gpu_mem_bytes: Spread,
});
export type OlderMetrics = Static<typeof OlderMetrics>;

export const OlderError = Type.Object({ error: text, code: Type.Optional(text) });
