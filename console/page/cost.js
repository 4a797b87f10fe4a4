// The card that shows what options cost a month against the volume, with the break-even points marked.

import { lineChart, sample } from "./chart.js";
import { element, there } from "./dom.js";
import { compact, usd } from "./figures.js";
import { nameOf } from "./names.js";

const HEIGHT = 350;
const NARROW_PIXELS = 480;
// Of the circle around the number of a break-even point.
const RADIUS = 9;
const HINT = "Point at the chart to read it.";

/**
 * The chart with its legend and the sentences of its break-even points.
 *
 * `curves` has `volumes` and, for each option in the order of the ranking, `usd_per_month` with null where a price is
 * unknown; `breakEvens` has `below`, `above` and `volume`; `volume` is the caller's own, or null.
 */
export function costChart(curves, breakEvens, volume) {
  const all = Object.entries(curves.usd_per_month).map(([id, dollars]) => [nameOf(id), dollars]);
  const lines = all.map(([label, dollars], place) => ({ label, place, key: sample(place), dots: false, dollars: dollars.map(positive) }));
  const known = lines.filter(({ dollars }) => dollars.filter(Boolean).length > 1);
  const unknown = lines.filter((line) => !known.includes(line)).map(({ label }) => label);
  const labels = new Set(known.map(({ label }) => label));
  const named = breakEvens.map(({ below, above, volume }) => ({ below: nameOf(below), above: nameOf(above), volume }));
  const crossings = named.filter(({ below, above }) => labels.has(below) && labels.has(above));
  crossings.sort((one, other) => one.volume - other.volume);
  const figure = element("figure", { class: "card chart" }, element("figcaption", {}, element("h2", {}, "Cost against volume")));
  if (!known.length) {
    figure.append(element("p", { class: "quiet" }, "Nobody confirmed a price of these options, so there is no curve to draw."));
    return figure;
  }
  const legend = legendOf(curves.volumes, known);
  const marks = element("div", { class: "marks" });
  const { place, update } = lineChart({
    lines: known,
    height: HEIGHT,
    padding: [26, 18, 0, 0],
    scales: { x: { time: false, distr: 3, range: decades }, y: { distr: 3, range: decades } },
    axes: [
      { splits: ({ width }, _, low, high) => powers(low, high, width < NARROW_PIXELS ? 2 : 1), filter: every, values: written, label: "items a month", labelSize: 20, size: 30, gap: 8 },
      { splits: (_chart, _axis, low, high) => powers(low, high, 1), filter: every, values: written, size: 54 },
    ],
    drawn: (chart) => {
      chart.over.append(marks);
      marks.replaceChildren(...there([here(chart, volume), apart(crossings.map((one, index) => spot(chart, one, index + 1, known))).map(mark)]));
    },
    pointed: legend.read,
  });
  const name = `What ${known.map(({ label }) => label).join(", ")} cost a month at ${compact(curves.volumes[0])} to ${compact(curves.volumes.at(-1))} items a month; the figures follow.`;
  update([curves.volumes, ...known.map(({ dollars }) => dollars)], name);
  const parts = [
    element("p", { class: "quiet small unit" }, "US$ a month"),
    place,
    legend.parts,
    unknown.length ? element("p", { class: "quiet small" }, `Price unknown: ${unknown.join(", ")}.`) : null,
    crossings.length ? element("ol", { class: "crossings" }, crossings.map(sentenceOf)) : null,
    tableOf(curves, all),
  ];
  figure.append(...there(parts));
  return figure;
}

// A logarithmic scale has no zero.
const positive = (dollars) => (dollars > 0 ? dollars : null);

const every = (_chart, splits) => splits;

const written = (_chart, splits) => splits.map(compact);

/** The whole decades around values. */
function decades(_chart, low, high) {
  const first = Math.floor(Math.log10(low) + 1e-9);
  return [10 ** first, 10 ** Math.max(first + 1, Math.ceil(Math.log10(high) - 1e-9))];
}

/** The powers of ten of a scale, or every other one where `step` is 2 or they are many. */
function powers(low, high, step) {
  const [first, last] = [low, high].map((end) => Math.round(Math.log10(end)));
  const sparse = last - first > 8 ? Math.max(2, step) : step;
  return Array.from({ length: Math.floor((last - first) / sparse) + 1 }, (_, index) => 10 ** (first + index * sparse));
}

/** The lines' names, and what each costs where somebody points. */
function legendOf(volumes, lines) {
  const at = element("p", { class: "quiet small" }, HINT);
  const figures = lines.map(() => element("span", { class: "number" }));
  const rows = lines.map(({ label, key }, index) => element("li", {}, key, element("span", {}, label), figures[index]));
  const read = (index) => {
    at.textContent = index === null ? HINT : `At ${compact(volumes[index])} items a month:`;
    for (const [row, { dollars }] of lines.entries()) figures[row].textContent = index === null ? "" : usd(dollars[index]);
  };
  return { parts: [at, element("ul", { class: "legend" }, rows)], read };
}

const sentenceOf = ({ below, above, volume }) =>
  element("li", {}, element("span", {}, `Above ${compact(volume)} items a month ${above} costs less than ${below}.`));

/** A line at the caller's own volume, where that is in the picture. */
function here(chart, volume) {
  const { min, max } = chart.scales.x;
  if (!volume || volume < min || volume > max) return null;
  return at(element("div", { class: "here" }, element("span", {}, "your volume")), chart.valToPos(volume, "x"), 0);
}

/** Where an option gets cheaper: a place on its curve, or null beyond the curve's ends. */
function spot(chart, { above, volume }, number, lines) {
  const [volumes] = chart.data;
  const { dollars } = lines.find(({ label }) => label === above);
  const next = volumes.findIndex((each, index) => each >= volume && dollars[index] !== null);
  const before = dollars.findLastIndex((each, index) => index < next && each !== null);
  if (before < 0) return null;
  // Bills are nearly straight between two points, in dollars and not in their logarithms.
  const amount = dollars[before] + ((volume - volumes[before]) / (volumes[next] - volumes[before])) * (dollars[next] - dollars[before]);
  return { number, x: chart.valToPos(volume, "x"), y: chart.valToPos(amount, "y") };
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
function mark({ number, x, y, height }) {
  const leader = at(element("i", { class: "leader" }), x, height);
  leader.style.height = `${y - height}px`;
  return [leader, at(element("i", { class: "point" }), x, y), at(element("b", {}, String(number)), x, height)];
}

function at(made, left, top) {
  made.style.left = `${left}px`;
  made.style.top = `${top}px`;
  return made;
}

/** The same as figures, for those who cannot see the curves. */
function tableOf({ volumes }, curves) {
  const shown = volumes.map((volume, index) => [volume, index]).filter((_, index) => index % 2 === 0);
  const head = element("tr", {}, element("th", { scope: "col" }, "US$ a month at"), shown.map(([volume]) => element("th", { scope: "col", class: "number" }, compact(volume))));
  const rows = curves.map(([label, dollars]) =>
    element("tr", {}, element("th", { scope: "row" }, label), shown.map(([, index]) => element("td", { class: "number" }, usd(dollars[index]).replace("US$ ", "")))),
  );
  return element(
    "details",
    {},
    element("summary", {}, "The figures"),
    element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "The figures of the curves" }, element("table", {}, element("thead", {}, head), element("tbody", {}, rows))),
  );
}
