import { isAbsolute } from 'node:path';
import Type from 'typebox';

/** What runs containers. */
export const Containers = Type.Object(
  {
    /** Path of the engine's socket; '' looks where engines usually listen. */
    socket: Type.String(),
    /** An engine by TCP, as https://HOST:PORT, and files of PEM by which the two are known. */
    engine: Type.String(),
    ca: Type.String(),
    cert: Type.String(),
    key: Type.String(),
    /** Who swm is to registries: a file as `docker login` writes it; '': nobody. */
    credentials: Type.String(),
    /** Whether jobs in containers that can do with a network of their own get one. */
    network: Type.Enum(['own', 'node']),
  },
  { additionalProperties: false },
);

/** What `containers` says of an engine that is reached by TCP; all of it, or nothing. */
export type EngineSettings = {
  readonly engine: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
};

const FILES = ['ca', 'cert', 'key'] as const;

/** What is wrong with it, by key. */
export function engineFlaws(
  settings: EngineSettings & { readonly socket: string },
): readonly { readonly key: readonly string[]; readonly text: string }[] {
  const { engine, socket } = settings;
  const flaw = (name: string, text: string) => ({ key: ['containers', name], text });
  if (engine === '')
    return FILES.filter((name) => settings[name] !== '').map((name) =>
      flaw(name, 'is for an engine by TCP: set containers.engine'),
    );
  if (!/^https:\/\/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):\d{1,5}\/?$/.test(engine))
    return [flaw('engine', `must be https://HOST:PORT: whoever reaches it owns the machine`)];
  const flaws = FILES.filter((name) => !isAbsolute(settings[name]));
  return [
    ...flaws.map((name) =>
      flaw(name, 'must be the absolute path of a file, for containers.engine'),
    ),
    ...(socket === '' ? [] : [flaw('socket', 'and containers.engine cannot both be set')]),
  ];
}
