import type { Millis } from '../runtime/ports.ts';
import type { Progress } from './figures.ts';

/** One line of each chart: how it went under a policy. */
export type Curve = { readonly name: string; readonly progress: Progress };

const WIDTH = 960;
const LEFT = 64;
const RIGHT = 16;
const CHART = 190;
const TOP = 64;
const GAP = 52;
const HEIGHT = TOP + 2 * CHART + GAP + 44;
const INNER = WIDTH - LEFT - RIGHT;

/** Colours that most people can tell apart, and dashes for the others, and for paper. */
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'];
const dashes = ['none', '9 4', '2 3', '12 3 2 3', '5 2'];
const styleOf = (at: number): string =>
  `stroke="${colours[at % colours.length]}" stroke-dasharray="${dashes[at % dashes.length]}"`;

/** A picture, as SVG: what was used of the nodes and who waited, over time, one line a policy. */
export function plotOf(title: string, curves: readonly Curve[]): string {
  const most = niceAbove(Math.max(1, ...curves.flatMap(({ progress }) => progress.queue)));
  const used = curves.map(({ progress }) => progress.utilisation.map((of) => of * 100));
  const waits = curves.map(({ progress }) => progress.queue);
  const first = curves[0]?.progress;
  const spanMs = first === undefined ? 0 : first.stepMs * first.utilisation.length;
  const below = TOP + CHART + GAP;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}"`,
    ` height="${HEIGHT}" role="img" font-family="sans-serif" font-size="12" fill="#222">\n`,
    `<title>${escaped(title)}</title>\n<rect width="100%" height="100%" fill="#fff"/>\n`,
    `<text x="${LEFT}" y="20" font-size="15" font-weight="bold">${escaped(title)}</text>\n`,
    ...curves.map(({ name }, at) => legend(name, at, curves.length)),
    ...chart('processors in use, %', { top: TOP, most: 100, rows: used, spanMs }),
    ...chart('jobs that wait', { top: below, most, rows: waits, spanMs }),
    timeAxis(below + CHART, spanMs),
    '</svg>\n',
  ].join('');
}

function legend(name: string, at: number, of: number): string {
  const x = LEFT + (at * INNER) / of;
  const line = `<line x1="${round(x)}" y1="42" x2="${round(x + 36)}" y2="42" stroke-width="2.5"`;
  return `${line} ${styleOf(at)}/>\n<text x="${round(x + 44)}" y="46">${escaped(name)}</text>\n`;
}

type Chart = {
  readonly top: number;
  readonly most: number;
  readonly rows: readonly (readonly number[])[];
  readonly spanMs: Millis;
};

function* chart(label: string, { top, most, rows, spanMs }: Chart): Iterable<string> {
  const yOf = (value: number): number => top + CHART * (1 - Math.min(value, most) / most);
  for (let part = 0; part <= 4; part++) {
    const value = (most * part) / 4;
    const y = round(yOf(value));
    yield `<line x1="${LEFT}" y1="${y}" x2="${WIDTH - RIGHT}" y2="${y}" stroke="#ddd"/>\n`;
    yield `<text x="${LEFT - 8}" y="${y + 4}" text-anchor="end">${round(value)}</text>\n`;
  }
  for (const at of ticksOf(spanMs)) {
    const x = round(xOf(at, spanMs));
    yield `<line x1="${x}" y1="${top}" x2="${x}" y2="${top + CHART}" stroke="#eee"/>\n`;
  }
  const middle = top + CHART / 2;
  yield `<text transform="translate(16 ${middle}) rotate(-90)" text-anchor="middle">`;
  yield `${escaped(label)}</text>\n`;
  for (const [row, values] of rows.entries()) {
    const width = INNER / values.length;
    const points = values.map(
      (value, step) => `${round(LEFT + (step + 0.5) * width)},${round(yOf(value))}`,
    );
    yield `<polyline fill="none" stroke-width="1.5" ${styleOf(row)} `;
    yield `points="${points.join(' ')}"/>\n`;
  }
}

const HOUR_MS = 3_600_000;
/** Between two ticks of the time axis, so that there are not too many. */
const strides = [1, 2, 6, 12, 24, 48, 168, 336, 720, 2_160, 8_760].map((hours) => hours * HOUR_MS);
const TICKS_MAX = 14;

function ticksOf(spanMs: Millis): readonly Millis[] {
  const stride = strideOf(spanMs);
  return Array.from({ length: Math.floor(spanMs / stride) + 1 }, (_, at) => at * stride);
}

const strideOf = (spanMs: Millis): Millis =>
  strides.find((each) => spanMs / each <= TICKS_MAX) ?? Math.ceil(spanMs / TICKS_MAX);

const xOf = (at: Millis, spanMs: Millis): number =>
  LEFT + (spanMs === 0 ? 0 : (at / spanMs) * INNER);

function timeAxis(y: number, spanMs: Millis): string {
  const isDays = strideOf(spanMs) % (24 * HOUR_MS) === 0;
  const unit = isDays ? 24 * HOUR_MS : HOUR_MS;
  const marks = ticksOf(spanMs).map((at) => {
    const x = round(xOf(at, spanMs));
    return `<text x="${x}" y="${y + 16}" text-anchor="middle">${round(at / unit)}</text>\n`;
  });
  const label = `${isDays ? 'days' : 'hours'} since the first job came`;
  const middle = LEFT + INNER / 2;
  const under = `<text x="${middle}" y="${y + 36}" text-anchor="middle">${label}</text>\n`;
  return `${marks.join('')}${under}`;
}

/** A round number that is not less, and that four divides. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 4, 6, 8, 10].find((each) => each * power >= value) ?? 10;
  return Math.max(4, step * power);
}

const round = (value: number): number => Math.round(value * 10) / 10;

const marks: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
/** No control characters: XML has none, not even escaped. */
const escaped = (text: string): string =>
  text
    .replaceAll(/[&<>]/g, (mark) => marks[mark] ?? '')
    .replaceAll(/[\p{Cc}\p{Cs}\ufffe\uffff]/gu, '\ufffd');
