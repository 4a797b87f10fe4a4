// Draws lines with uPlot: as wide as their place, in the theme's colours, and told apart by dashes too.

import { drawn, element } from "./dom.js";
import { TONES } from "./picture.js";
import uPlot from "./uplot.js";

const DASHES = [[], [9, 5], [2, 5], [12, 4, 2, 4], [5, 3]];
const FONT = "12px system-ui, sans-serif";

/** The charts that are in the page now. */
export const charts = new Set();

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const chart of charts) chart.redraw(false);
});

/** A short piece of the line with a place among the lines, for a legend; the chart takes its colour from it. */
export const sample = (place) =>
  drawn(
    "svg",
    { class: "sample", viewBox: "0 0 30 8", "aria-hidden": "true" },
    drawn("path", { class: `curve tone${place % TONES}`, "stroke-dasharray": dashOf(place).join(" ") || null, d: "M1 4H29" }),
  );

const dashOf = (place) => DASHES[place % DASHES.length];

/**
 * A place for a chart, and `update(data, name)`, which draws it: the values of x, then those of each line.
 *
 * `lines` have a `label`, their `place`, the `key` that is their sample in a legend, and `dots`: whether each value is
 * one. `scales` and `axes` are uPlot's. `drawn(chart)` is called when it has been drawn, `pointed(index)` with the place
 * among the values of x that somebody points at, or null. `name` is what a screen reader is told instead.
 */
export function lineChart({ lines, height, padding, scales, axes, drawn = () => {}, pointed = () => {} }) {
  const place = element("div", { class: "plot", role: "img" });
  place.style.height = `${height}px`;
  let data;
  let chart = null;
  const draw = () => {
    const width = place.clientWidth;
    if (width && chart) chart.setSize({ width, height });
    else if (width) charts.add((chart = new uPlot(options(width), data, place)));
    else if (chart) {
      // Out of the page, or on a page that is not shown.
      charts.delete(chart);
      chart.destroy();
      chart = null;
    }
  };
  const options = (width) => ({
    width,
    height,
    padding,
    scales,
    axes: axes.map((axis) => ({ ...axisIn(place), ...axis })),
    series: [{}, ...lines.map(seriesOf)],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    hooks: { draw: [drawn], setCursor: [({ cursor }) => pointed(cursor.idx ?? null)] },
  });
  const update = (values, name) => {
    data = values;
    place.setAttribute("aria-label", name);
    chart?.setData(data);
  };
  new ResizeObserver(draw).observe(place);
  return { place, update };
}

function seriesOf({ label, place, key, dots }) {
  const stroke = () => getComputedStyle(key.firstChild).stroke;
  // uPlot takes dashes in the canvas's own pixels.
  const dash = dashOf(place).map((length) => length * uPlot.pxRatio);
  return { label, stroke, dash, width: 2.4, cap: "round", spanGaps: true, points: { show: dots, size: 5, stroke, fill: stroke } };
}

function axisIn(place) {
  const line = { stroke: () => getComputedStyle(place).borderTopColor, width: 1 };
  return { stroke: () => getComputedStyle(place).color, font: FONT, labelFont: FONT, grid: line, ticks: { show: false }, border: { show: false } };
}
