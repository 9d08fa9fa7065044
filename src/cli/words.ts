/** How people say numbers, spans and instants. */

const STEPS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;

/** `2 d 3 h`, `4 min 5 s`, `7 s`: the two largest parts. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const first = STEPS.findIndex(([, size]) => seconds >= size);
  if (first < 0) return '0 s';
  const [unit, size] = STEPS[first]!;
  const count = Math.floor(seconds / size);
  const next = STEPS[first + 1];
  const rest = next === undefined ? 0 : Math.floor((seconds - count * size) / next[1]);
  return rest === 0 ? `${count} ${unit}` : `${count} ${unit} ${rest} ${next![0]}`;
}

/** In the local time of who reads it; '' for what has not happened. */
export function instant(ms: number): string {
  if (ms === 0) return '';
  const at = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

const SIZES = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

export function size(bytes: number): string {
  let value = bytes;
  let step = 0;
  while (value >= 1024 && step < SIZES.length - 1) {
    value /= 1024;
    step += 1;
  }
  const digits = step === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${SIZES[step]}`;
}

export const resources = (of: {
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly gpus: number;
}): string =>
  [
    of.cpus > 0 ? `${of.cpus} cpu` : '',
    of.memoryBytes > 0 ? size(of.memoryBytes) : '',
    of.gpus > 0 ? `${of.gpus} gpu` : '',
  ]
    .filter((part) => part !== '')
    .join(', ');

/** As much of an id as people type. */
export const short = (id: string): string => id.slice(0, 8);

/** Money, in whatever currency: four digits behind the point at most. */
export const amount = (of: number): string => String(Number(of.toFixed(4)));
