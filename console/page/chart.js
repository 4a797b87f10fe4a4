// Draws what options cost a month against the volume, on two logarithmic scales, with the break-even points marked.

import { drawn, element, there } from "./dom.js";
import { compact, usd } from "./figures.js";
import { TONES } from "./picture.js";

const HEIGHT = 350;
const MARGIN = { left: 52, right: 16, top: 34, bottom: 42 };
const DASHES = ["", "9 5", "2 5", "12 4 2 4", "5 3"];
const NARROW_PIXELS = 480;
const RADIUS = 8;

/**
 * The chart with its legend and the sentences of its break-even points.
 *
 * `curves` has `volumes` and, for each option in the order of the ranking, `usd_per_month` with null where a price is
 * unknown; `breakEvens` has `below`, `above` and `volume`; `volume` is the caller's own, or null.
 */
export function costChart(curves, breakEvens, volume) {
  const all = Object.entries(curves.usd_per_month);
  const lines = all.map(([id, dollars], place) => ({ id, place, points: pointsOf(curves.volumes, dollars) }));
  const known = lines.filter((line) => line.points.length > 1);
  const unknown = lines.filter((line) => line.points.length < 2).map((line) => line.id);
  const ids = new Set(known.map((line) => line.id));
  const crossings = breakEvens.filter(({ below, above }) => ids.has(below) && ids.has(above));
  crossings.sort((one, other) => one.volume - other.volume);
  const figure = element("figure", { class: "card chart" }, element("figcaption", {}, element("h2", {}, "Cost against volume")));
  if (!known.length) {
    figure.append(element("p", { class: "quiet" }, "Nobody confirmed a price of these options, so there is no curve to draw."));
    return figure;
  }
  const picture = element("div");
  const parts = [
    picture,
    element("ul", { class: "legend" }, known.map(legendOf)),
    unknown.length ? element("p", { class: "quiet small" }, `Price unknown: ${unknown.join(", ")}.`) : null,
    crossings.length ? element("ol", { class: "crossings" }, crossings.map(sentenceOf)) : null,
    tableOf(curves, all),
  ];
  figure.append(...there(parts));
  const draw = () => picture.replaceChildren(pictureOf(known, crossings, volume, picture.clientWidth || 640));
  new ResizeObserver(draw).observe(picture);
  return figure;
}

const pointsOf = (volumes, dollars) =>
  volumes.map((at, index) => [at, dollars[index]]).filter(([, amount]) => amount !== null && amount > 0);

const sentenceOf = ({ below, above, volume }) =>
  element("li", {}, element("span", {}, `Above ${compact(volume)} items a month ${above} costs less than ${below}.`));

const stroke = (place) => ({ class: `curve tone${place % TONES}`, "stroke-dasharray": DASHES[place % DASHES.length] || null });

const legendOf = ({ id, place }) =>
  element(
    "li",
    {},
    drawn("svg", { viewBox: "0 0 30 8", "aria-hidden": "true" }, drawn("path", { ...stroke(place), d: "M1 4H29" })),
    id,
  );

function pictureOf(lines, crossings, volume, width) {
  const points = lines.flatMap((line) => line.points);
  const x = scale(points.map(([at]) => at), MARGIN.left, width - MARGIN.right);
  const y = scale(points.map(([, amount]) => amount), HEIGHT - MARGIN.bottom, MARGIN.top);
  const name = `What ${lines.map((line) => line.id).join(", ")} cost a month at 100 to a billion items a month.`;
  return drawn(
    "svg",
    { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": name },
    x.ticks(width < NARROW_PIXELS ? 2 : 1).map((at) => vertical(x(at), compact(at))),
    y.ticks(1).map((at) => horizontal(y(at), compact(at), width)),
    label(width - MARGIN.right, HEIGHT - 6, "items a month", "end"),
    label(4, 4, "US$ a month", "start", "hanging"),
    volume ? here(x(volume)) : null,
    lines.map(({ place, points: own }) => drawn("path", { ...stroke(place), d: pathOf(own, x, y) })),
    apart(crossings.map((one, index) => spot(one, index + 1, lines, x, y))).map(crossing),
  );
}

/** A logarithmic scale over whole decades. */
function scale(values, from, to) {
  const low = Math.floor(Math.log10(Math.min(...values)) + 1e-9);
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values)) - 1e-9));
  const place = (value) => from + ((Math.log10(value) - low) / (high - low)) * (to - from);
  place.ticks = (step) => {
    const sparse = high - low > 8 ? Math.max(2, step) : step;
    return Array.from({ length: Math.floor((high - low) / sparse) + 1 }, (_, index) => 10 ** (low + index * sparse));
  };
  return place;
}

const pathOf = (points, x, y) =>
  points.map(([at, amount], index) => `${index ? "L" : "M"}${x(at).toFixed(1)} ${y(amount).toFixed(1)}`).join("");

const label = (x, y, words, anchor, baseline) =>
  drawn("text", { x, y, "text-anchor": anchor, "dominant-baseline": baseline }, words);

const vertical = (x, words) => [
  drawn("path", { class: "grid", d: `M${x} ${MARGIN.top}V${HEIGHT - MARGIN.bottom}` }),
  label(x, HEIGHT - MARGIN.bottom + 17, words, "middle"),
];

const horizontal = (y, words, width) => [
  drawn("path", { class: "grid", d: `M${MARGIN.left} ${y}H${width - MARGIN.right}` }),
  label(MARGIN.left - 8, y, words, "end", "central"),
];

const here = (x) => [
  drawn("path", { class: "here", d: `M${x} ${MARGIN.top}V${HEIGHT - MARGIN.bottom}` }),
  label(x, MARGIN.top - 9, "your volume", "middle"),
];

/** Where an option gets cheaper: a place on its curve, or null beyond the curve's ends. */
function spot({ above, volume }, number, lines, x, y) {
  const { points } = lines.find((line) => line.id === above);
  const next = points.findIndex(([at]) => at >= volume);
  if (next < 1) return null;
  const [[left, low], [right, high]] = [points[next - 1], points[next]];
  // Bills are nearly straight between two points, in dollars and not in their logarithms.
  const amount = low + ((volume - left) / (right - left)) * (high - low);
  return { number, x: x(volume), y: y(amount) };
}

/** The spots with the heights of their numbers, none of which lies on another. */
function apart(spots) {
  const placed = [];
  for (const one of there(spots)) {
    let height = one.y;
    while (placed.some((other) => Math.hypot(other.x - one.x, other.height - height) < 2 * RADIUS + 1)) height -= 1;
    placed.push({ ...one, height });
  }
  return placed;
}

/** A dot on the curve with its number, which is above it where another is in the way. */
const crossing = ({ number, x, y, height }) =>
  drawn(
    "g",
    { class: "crossing" },
    drawn("path", { d: `M${x} ${y}V${height}` }),
    drawn("circle", { class: "point", cx: x, cy: y, r: 3 }),
    drawn("circle", { cx: x, cy: height, r: RADIUS }),
    drawn("text", { x, y: height, "dominant-baseline": "central" }, number),
  );

/** The same as figures, for those who cannot see the curves. */
function tableOf({ volumes }, curves) {
  const decades = volumes.map((at, index) => [at, index]).filter((_, index) => index % 2 === 0);
  const head = element("tr", {}, element("th", { scope: "col" }, "US$ a month at"), decades.map(([at]) => element("th", { scope: "col", class: "number" }, compact(at))));
  const rows = curves.map(([id, dollars]) =>
    element("tr", {}, element("th", { scope: "row" }, id), decades.map(([, index]) => element("td", { class: "number" }, usd(dollars[index]).replace("US$ ", "")))),
  );
  return element(
    "details",
    {},
    element("summary", {}, "The figures"),
    element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "The figures of the curves" }, element("table", {}, element("thead", {}, head), element("tbody", {}, rows))),
  );
}
