// The curves of a training run: loss and accuracy over the epochs, in training and validation, and the same as figures.

import { lineChart, sample } from "./chart.js";
import { element, there } from "./dom.js";

const QUANTITIES = ["loss", "accuracy"];
const SPLITS = ["train", "validation"];
const HEIGHT = 132;
// With more of them a dashed line looks like another.
const DOTS_MOST = 30;
const EPOCH_STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

/** The `parts` to show for a run, and `update(rows)`, which draws the rows of its epochs in them. */
export function trainingCurves(run) {
  const curves = QUANTITIES.map((quantity) => curve(run, quantity));
  const table = element("table");
  const region = element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `The figures of ${run}` }, table);
  const figures = element("details", { class: "small" }, element("summary", {}, "The figures"), region);
  const update = (rows) => {
    for (const one of curves) one.update(rows);
    table.replaceChildren(...tableOf(rows));
  };
  return { parts: [element("div", { class: "curves" }, curves.map(({ figure }) => figure)), figures], update };
}

function curve(run, quantity) {
  const lines = SPLITS.map((label, place) => ({ label, place, key: sample(place), dots }));
  const heading = element("span");
  const readings = SPLITS.map(() => element("span"));
  const keys = lines.map(({ key }, index) => element("span", { class: "key" }, key, readings[index]));
  let data;
  const read = (index) => {
    heading.textContent = index === null ? `${quantity}: ` : `${quantity} in epoch ${data[0][index]}: `;
    for (const [row, split] of SPLITS.entries()) {
      const value = index === null ? data[row + 1].findLast((one) => one !== null) : data[row + 1][index];
      readings[row].textContent = `${split} ${value?.toFixed(3) ?? "none"}`;
    }
  };
  const { place, update } = lineChart({
    lines,
    height: HEIGHT,
    // Right of the last epoch half of its number.
    padding: [8, 20, 0, 0],
    scales: { x: { time: false, range: (_chart, low, high) => (low === high ? [low - 1, high + 1] : [low, high]) } },
    axes: [{ size: 22, gap: 2, space: 26, incrs: EPOCH_STEPS }, { size: 40, gap: 4, space: 26 }],
    pointed: read,
  });
  const figure = element("figure", {}, element("figcaption", { class: "quiet small" }, heading, keys), place);
  const draw = (rows) => {
    const found = rows.filter((row) => SPLITS.some((split) => nameOf(split, quantity) in row));
    figure.hidden = !found.length;
    data = [found.map(({ epoch }) => epoch), ...SPLITS.map((split) => found.map((row) => row[nameOf(split, quantity)] ?? null))];
    read(null);
    update(data, `The ${quantity} of ${run} over ${found.length} epochs; the figures follow.`);
  };
  return { figure, update: draw };
}

const dots = ({ data: [epochs] }) => epochs.length <= DOTS_MOST;

const nameOf = (split, quantity) => `${split}_${quantity}`;

/** The same as figures, for those who cannot see the curves. */
function tableOf(rows) {
  const names = QUANTITIES.flatMap((quantity) => SPLITS.map((split) => nameOf(split, quantity)));
  const known = names.filter((name) => rows.some((row) => name in row));
  const head = element("tr", {}, ["epoch", ...known].map((name) => element("th", { scope: "col", class: "number" }, name.replace("_", " "))));
  const body = rows.map((row) =>
    element("tr", {}, element("th", { scope: "row", class: "number" }, String(row.epoch)), known.map((name) => element("td", { class: "number" }, row[name]?.toFixed(3) ?? ""))),
  );
  return there([element("thead", {}, head), element("tbody", {}, body)]);
}
