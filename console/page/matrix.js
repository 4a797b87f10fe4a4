// A confusion matrix as a table: counts, and the share of each row as the depth of a cell's colour.

import { element } from "./dom.js";
import { count } from "./figures.js";

/** The table in a place that scrolls; `name` is what a screen reader is told. Columns may be one more than rows. */
export function matrixTable(name, labels, counts, columns = labels) {
  const head = element("tr", {}, element("th", { scope: "col" }, "label \\ answer"), columns.map((label) => element("th", { scope: "col", class: "number" }, label)));
  const rows = counts.map((row, truth) => element("tr", {}, element("th", { scope: "row" }, labels[truth]), cellsOf(row, truth)));
  const table = element("table", { class: "matrix" }, element("thead", {}, head), element("tbody", {}, rows));
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": name }, table);
}

function cellsOf(row, truth) {
  const all = row.reduce((sum, one) => sum + one, 0);
  return row.map((one, answer) => {
    const cell = element("td", { class: `number${one ? (truth === answer ? " right" : " wrong") : ""}` }, count(one));
    cell.style.setProperty("--share", all ? (one / all).toFixed(3) : "0");
    return cell;
  });
}
