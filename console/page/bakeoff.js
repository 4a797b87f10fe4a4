// The card of the last bake-off: its verdict, and the figures of every candidate.

import { element } from "./dom.js";
import { duration, percent, usd } from "./figures.js";
import { matrixTable } from "./matrix.js";

const UNKNOWN = "unknown";
// Beyond this a confusion matrix is wider than a page.
const CLASSES_MOST = 20;
const COLUMNS = ["Candidate", "Accuracy", "Macro F1", "Trained in", "One answer", "US$ a month"];

/** The card; `ended` writes a time, and `nothing` is a card for when there was no bake-off. */
export function bakeoffCard(bakeoff, ended, nothing) {
  const finished = (bakeoff?.results ?? []).filter((result) => result.accuracy);
  if (!finished.length) return nothing;
  finished.sort((one, other) => other.accuracy.value - one.accuracy.value);
  const when = `${ended(bakeoff.ended)}${bakeoff.interrupted ? ", stopped before it was done" : ""}`;
  const others = bakeoff.results.filter((result) => !result.accuracy).map(({ title, reason }) => (reason ? `${title} (${reason.replace(/\.$/, "")})` : title));
  return element(
    "article",
    { class: "card" },
    element("h2", {}, `The last bake-off: ${bakeoff.data}`),
    element("p", { class: "quiet small" }, when),
    element(
      "div",
      { class: "body" },
      element("ul", { class: "bars wide" }, finished.map(bar)),
      (bakeoff.verdict?.sentences ?? []).map((sentence) => element("p", { class: "small" }, sentence)),
      others.length ? element("p", { class: "quiet small" }, `Did not finish: ${others.join(", ")}.`) : null,
      figures(finished, bakeoff),
      bakeoff.page ? element("p", { class: "quiet small" }, "With plots: ", element("code", {}, bakeoff.page)) : null,
    ),
  );
}

function bar(result) {
  const { value } = result.accuracy;
  const filling = element("i");
  filling.style.width = percent(value);
  return element(
    "li",
    {},
    element("span", { class: "name", title: result.title }, result.title),
    element("span", { class: "bar" }, filling),
    element("span", { class: "number" }, value.toFixed(3)),
  );
}

function figures(finished, bakeoff) {
  const head = element("tr", {}, COLUMNS.map((name, index) => element("th", { scope: "col", class: index ? "number" : null }, name)));
  const rows = finished.map((result) =>
    element("tr", {}, element("th", { scope: "row" }, result.title), cellsOf(result).map((words) => element("td", { class: "number" }, words))),
  );
  const table = element("table", {}, element("thead", {}, head), element("tbody", {}, rows));
  return element(
    "details",
    { id: "bakeoff-figures" },
    element("summary", {}, "All figures"),
    element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "The figures of the bake-off" }, table),
    confusionOf(finished[0], bakeoff.labels ?? []),
    notesOf(bakeoff).map((sentence) => element("p", { class: "quiet small" }, sentence)),
  );
}

/** What the best candidate confuses; a service may answer none of the classes. */
function confusionOf({ title, confusion = [] }, labels) {
  if (!confusion.length || labels.length > CLASSES_MOST) return null;
  const outside = confusion.some((row) => row.at(-1));
  const columns = outside ? [...labels, "none of them"] : labels;
  const counts = confusion.map((row) => row.slice(0, columns.length));
  return [element("h3", {}, `What ${title} confuses`), matrixTable(`The confusion matrix of ${title}`, labels, counts, columns)];
}

const notesOf = ({ absent = [], notes = [], results }) => [
  ...absent.map(({ title, reason }) => `${title} took no part: ${reason}`),
  ...notes,
  ...results.flatMap(({ title, notes: of = [] }) => of.map((note) => `${title}: ${note}`)),
];

const cellsOf = ({ accuracy, macro_f1: macroF1, training_seconds: seconds, p50_ms: milliseconds, usd_per_month: dollars }) => [
  withInterval(accuracy),
  withInterval(macroF1),
  duration((seconds ?? 0) * 1000),
  milliseconds === null || milliseconds === undefined ? UNKNOWN : `${milliseconds.toFixed(milliseconds < 10 ? 2 : 0)} ms`,
  usd(dollars).replace("US$ ", ""),
];

/** 0.912 (0.90 to 0.93) */
function withInterval(score) {
  if (!score) return UNKNOWN;
  const { value, low, high } = score;
  return low === undefined ? value.toFixed(3) : `${value.toFixed(3)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
}
