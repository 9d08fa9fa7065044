/**
 * What runs in the process of a shell. It is given to Node as text, so that nothing is loaded there
 * and no file is read: these functions know each other and what Node has, and no import.
 */
export const insideSource = (): string =>
  [
    namesOfRealm,
    prelude,
    realmOf,
    scriptOf,
    isUnfinished,
    shownBy,
    completionsOf,
    harden,
    runnerOf,
    inside,
  ]
    .map(String)
    .concat(`${inside.name}();`)
    .join('\n');

/** What the process is told, and what it tells. */
export type ToInside =
  | { readonly is: 'begin'; readonly given: Given }
  | { readonly is: 'run'; readonly source: string }
  | { readonly is: 'complete'; readonly text: string }
  | {
      readonly is: 'answer';
      readonly ask: number;
      readonly ok: boolean;
      readonly text: string;
    }
  | { readonly is: 'interrupt' }
  | { readonly is: 'ping' };

export type Shown = { readonly kind: 'value' | 'error' | 'more'; readonly text: string };

export type FromInside =
  | { readonly is: 'ask'; readonly ask: number; readonly what: string; readonly text: string }
  | { readonly is: 'shown'; readonly shown: Shown }
  | { readonly is: 'completed'; readonly names: readonly string[]; readonly of: string }
  | { readonly is: 'pong' };

/** What it begins with. */
export type Given = {
  /** What can be asked of the node, such as `tree` or `job.list`. */
  readonly names: readonly string[];
  readonly evalMs: number;
  readonly asksMax: number;
  readonly charsMax: number;
  readonly namesMax: number;
  readonly columns: number;
};

type Ask = (ask: number, what: string, text: string) => boolean;
type Deliver = (ask: number, ok: boolean, text: string) => void;
type Realm = {
  readonly context: import('node:vm').Context;
  readonly deliver: Deliver;
};

/** Memory outside of the heap, which no flag of Node bounds, and what blocks. */
function namesOfRealm(global: object): string[] {
  const unwanted = /^(\w*Array|(Shared)?ArrayBuffer|DataView|Atomics|WebAssembly|console)$/;
  return Object.getOwnPropertyNames(global).filter(
    (name) => unwanted.test(name) && name !== 'Array',
  );
}

/**
 * Runs in the realm of the shell and puts there what can be asked. Only texts and numbers go in
 * and out: no object of Node itself may be reached from what is typed.
 */
function prelude(ask: Ask, names: readonly string[]): Deliver {
  const { parse, stringify } = JSON;
  type Waits = { resolve: (value: unknown) => void; reject: (error: Error) => void };
  const waits = new Map<number, Waits>();
  let last = 0;
  const asking =
    (what: string) =>
    (...args: unknown[]): Promise<unknown> =>
      new Promise((resolve, reject) => {
        last += 1;
        if (!ask(last, what, stringify(args))) return reject(new Error('too many questions'));
        waits.set(last, { resolve, reject });
      });
  const put = (on: object, name: string, value: object): void =>
    void Object.defineProperty(on, name, { value, enumerable: true });
  const groups = new Map<string, object>();
  for (const name of names) {
    const [first = '', second] = name.split('.');
    const group = groups.get(first) ?? {};
    if (second === undefined) put(globalThis, first, Object.freeze(asking(name)));
    else put(group, second, Object.freeze(asking(name)));
    if (second !== undefined) groups.set(first, group);
  }
  for (const [name, group] of groups) put(globalThis, name, Object.freeze(group));
  return (number, ok, text) => {
    const wait = waits.get(number);
    waits.delete(number);
    if (ok) wait?.resolve(text === '' ? undefined : parse(text));
    else wait?.reject(new Error(text));
  };
}

function realmOf(vm: typeof import('node:vm'), ask: Ask, names: readonly string[]): Realm {
  const context = vm.createContext(vm.constants.DONT_CONTEXTIFY as unknown as object, {
    codeGeneration: { strings: false, wasm: false },
  });
  for (const name of namesOfRealm(context)) Reflect.deleteProperty(context, name);
  const begun = vm.runInContext(`'use strict'; (${prelude})`, context) as typeof prelude;
  return { context, deliver: begun(ask, names) };
}

/** `await` is taken for an expression, and for one whose value is given a name. */
export function scriptOf(vm: typeof import('node:vm'), source: string): import('node:vm').Script {
  const made = (text: string) => new vm.Script(text, { filename: 'shell' });
  const whole = source.replace(/;\s*$/, '');
  try {
    // What begins like a block is meant as an object, if it can be one.
    return made(/^\s*\{/.test(source) ? `(${source}\n)` : source);
  } catch (error) {
    if (/^\s*\{/.test(source)) return made(source);
    if (!/\bawait\b/.test(source)) throw error;
  }
  // Whatever else is wrong with it is told first, or that it is not whole.
  made(source.replace(/\bawait\b/g, 'void'));
  const [, name, value] = /^\s*(?:const|let|var)\s+([\w$]+)\s*=([\s\S]+)$/.exec(whole) ?? [];
  try {
    return made(
      name === undefined
        ? `(async () => (${whole}\n))()`
        : `(async () => void (globalThis['${name}'] = ${value}\n))()`,
    );
  } catch {
    throw new SyntaxError('await stands in an expression, or in one that is given a name');
  }
}

/** Whether more may be typed that makes sense of it. */
export function isUnfinished(error: unknown, source: string): boolean {
  const { name, message } = error as Error;
  if (name !== 'SyntaxError') return false;
  if (/^(Unexpected end of input|Unterminated template)/.test(message)) return true;
  const count = (sign: string): number => source.split(sign).length - 1;
  return /^missing \) after/.test(message) && count('(') > count(')');
}

function shownBy(util: typeof import('node:util'), { charsMax, columns }: Given) {
  const cut = (text: string): string =>
    text.length <= charsMax ? text : `${text.slice(0, charsMax)}… (${text.length} characters)`;
  // No code of the value's own is run for it.
  const how = { customInspect: false, showProxy: true, depth: 8, maxArrayLength: 1_000 };
  const shown = (value: unknown): string => util.inspect(value, { ...how, breakLength: columns });
  return {
    value: (value: unknown): string => (value === undefined ? '' : cut(shown(value))),
    error: (error: unknown): string => {
      if (!util.types.isNativeError(error)) return cut(`thrown: ${shown(error)}`);
      const { name, message } = error;
      return cut(`${name}: ${message}`);
    },
  };
}

/** What a name that was begun may go on as; no getter is run for it. */
function completionsOf(global: object, text: string, max: number) {
  const of = /[\w$.]*$/.exec(text)?.[0] ?? '';
  const parts = of.split('.');
  const begun = parts.pop() ?? '';
  let on: unknown = global;
  for (const part of parts) on = Object.getOwnPropertyDescriptor(Object(on), part)?.value;
  const names = new Set<string>();
  for (let at: object | null = on == null ? null : Object(on); at !== null; ) {
    for (const name of Object.getOwnPropertyNames(at))
      if (name.startsWith(begun) && /^[A-Za-z_$][\w$]*$/.test(name)) names.add(name);
    at = begun === '' && parts.length === 0 ? null : Object.getPrototypeOf(at);
  }
  const before = parts.map((part) => `${part}.`).join('');
  return { of, names: [...names].slice(0, max).map((name) => before + name) };
}

/** An error of Node's own, such as that of `import`, leads to no code in Node's own realm. */
function harden(): void {
  const makers = [() => {}, async () => {}, function* () {}, async function* () {}];
  for (const maker of makers) Reflect.deleteProperty(Object.getPrototypeOf(maker), 'constructor');
}

function runnerOf(
  vm: typeof import('node:vm'),
  util: typeof import('node:util'),
  context: import('node:vm').Context,
  given: Given,
) {
  const show = shownBy(util, given);
  let interrupt = (): void => {};
  const run = async (source: string): Promise<Shown> => {
    const interrupted = new Promise<never>((_, reject) => {
      interrupt = () => reject(new Error('interrupted'));
    });
    interrupted.catch(() => {});
    try {
      const script = scriptOf(vm, source);
      const value: unknown = script.runInContext(context, { timeout: given.evalMs });
      const settled = util.types.isPromise(value)
        ? await Promise.race([value, interrupted])
        : value;
      Reflect.set(context, '_', settled);
      return { kind: 'value', text: show.value(settled) };
    } catch (error) {
      if (isUnfinished(error, source)) return { kind: 'more', text: '' };
      return { kind: 'error', text: show.error(error) };
    }
  };
  return { run, interrupt: () => interrupt() };
}

function inside(): void {
  const [vm, util] = [process.getBuiltinModule('node:vm'), process.getBuiltinModule('node:util')];
  const say = (said: FromInside): void => void process.send?.(said);
  process.once('disconnect', () => process.exit());
  process.once('message', ({ given }: ToInside & { is: 'begin' }) => {
    const asked = new Set<number>();
    const ask: Ask = (number, what, text) => {
      if (asked.size >= given.asksMax) return false;
      asked.add(number);
      say({ is: 'ask', ask: number, what, text });
      return true;
    };
    const { context, deliver } = realmOf(vm, ask, given.names);
    const { run, interrupt } = runnerOf(vm, util, context, given);
    harden();
    process.on('unhandledRejection', () => {});
    process.on('message', (told: ToInside) => {
      if (told.is === 'ping') say({ is: 'pong' });
      else if (told.is === 'interrupt') interrupt();
      else if (told.is === 'run') run(told.source).then((shown) => say({ is: 'shown', shown }));
      else if (told.is === 'complete')
        say({ is: 'completed', ...completionsOf(context, told.text, given.namesMax) });
      else if (told.is === 'answer') {
        asked.delete(told.ask);
        deliver(told.ask, told.ok, told.text);
      }
    });
  });
}
