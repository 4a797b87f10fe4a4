// What a run's evaluation found, read when somebody unfolds it: figures, classes, the confusion matrix, the mistakes.

import { notice } from "./answers.js";
import { Refused } from "./api.js";
import { drawn, element } from "./dom.js";
import { count, percent } from "./figures.js";
import { matrixTable } from "./matrix.js";

// A run that ended in one of these was measured.
const MEASURED = ["registered", "failed at the gate"];
const NOTHING = "Its evaluation left nothing for this page. Runs of an earlier version of the app did not; train again.";

// A model runs operations of its own while it is measured, so what lies there may be anything.
const CHANGED = "The file is not as the evaluation job writes it. Look at the run's model, and train again.";

const COURSE_HEIGHT = 30;

let read = null;
// By job: what somebody unfolded stays so when the state is read anew.
const parts = new Map();

/** Makes evaluations unfold; `reader(job)` gives one, and is null where the page may show none. */
export function start(reader) {
  read = reader;
}

/** The part of a run that unfolds what its evaluation found; null where there is none to show. */
export function evaluationOf({ name, job, state }) {
  if (!read || !job || !MEASURED.includes(state)) return null;
  if (!parts.has(job)) parts.set(job, unfolding(name, job));
  return parts.get(job);
}

function unfolding(name, job) {
  const place = element("div", { class: "evaluation" });
  let known = false;
  const fill = async () => {
    if (!details.open || known) return;
    known = true;
    place.replaceChildren(element("p", { class: "wait" }, "Reading the evaluation …"));
    try {
      const { evaluation } = await read(job);
      place.replaceChildren(...(evaluation ? partsOf(name, evaluation) : [element("p", {}, NOTHING)]));
    } catch (error) {
      // Unfolded again, it is asked for again.
      known = false;
      place.replaceChildren(notice("bad", "The evaluation cannot be read", error instanceof Refused ? error.message : CHANGED));
    }
  };
  const details = element("details", { class: "small", toggle: fill }, element("summary", {}, "What its evaluation found"), place);
  return details;
}

function partsOf(name, { metric, score, samples, figures, classes, classes_in_all: all, matrix, mistakes }) {
  const worst = classes.length < all ? ` The ${classes.length} of ${count(all)} with the least F1.` : "";
  return [
    element("p", {}, `The ${metric}, which decides, is ${score.toFixed(4)} on ${count(samples)} test samples.`),
    titled("Figures, with 95 % intervals"),
    table(`The figures of ${name}`, ["Figure", "Value", "From", "To"], Object.entries(figures).map(figureRow)),
    titled("Classes", worst),
    table(`The classes of ${name}`, ["Class", "Samples", "Precision", "Recall", "F1"], classes.map(classRow)),
    matrix ? titled("Confusion matrix", " Rows are the labels, columns the answers.") : null,
    matrix ? matrixTable(`The confusion matrix of ${name}`, matrix.labels, matrix.counts) : null,
    titled("The surest wrong answers"),
    mistakes.length ? element("ul", { class: `mistakes${(mistakes[0].text ?? mistakes[0].lines) === undefined ? "" : " long"}` }, mistakes.map(mistakeOf)) : element("p", {}, "No answer was wrong."),
  ].filter(Boolean);
}

const titled = (words, rest = "") => element("h3", {}, words, rest ? element("span", { class: "quiet" }, rest) : null);

const figureRow = ([name, { value, interval_95: interval }]) => [name.replaceAll("_", " "), ...[value, ...interval].map((one) => one.toFixed(4))];

const classRow = ({ label, support, ...scores }) => [label, count(support), ...["precision", "recall", "f1"].map((name) => scores[name].toFixed(3))];

/** A table whose first column names what the numbers are of. */
function table(name, heads, rows) {
  const head = element("tr", {}, heads.map((words, index) => element("th", { scope: "col", class: index ? "number" : null }, words)));
  const body = rows.map(([first, ...numbers]) =>
    element("tr", {}, element("th", { scope: "row" }, first), numbers.map((words) => element("td", { class: "number" }, words))),
  );
  const made = element("table", {}, element("thead", {}, head), element("tbody", {}, body));
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": name }, made);
}

function mistakeOf({ label, answer, score, place, png_base64: picture, text, steps, lines = [] }) {
  const words = [element("strong", {}, `${answer}, ${percent(score)} sure`), `labelled ${label}`, element("span", { class: "quiet" }, place)];
  return element(
    "li",
    {},
    picture ? element("img", { src: addressOf(picture), alt: `What was shown: ${place}`, load: forget, error: forget }) : null,
    text === undefined ? null : element("p", { class: "shown" }, text),
    lines.length ? element("div", { class: "shown" }, lines.map(courseOf)) : null,
    steps === undefined ? null : element("p", { class: "quiet" }, `A sequence of ${count(steps)} steps.`),
    words.map((one) => element("p", {}, one)),
  );
}

/** A channel over its steps, from its least value at the bottom to its greatest. */
function courseOf(values, channel) {
  const points = values.map((value, place) => `${place},${(1 - value) * COURSE_HEIGHT}`).join(" ");
  const box = `0 -1 ${Math.max(1, values.length - 1)} ${COURSE_HEIGHT + 2}`;
  const name = `The course of channel ${channel + 1}`;
  return drawn("svg", { class: "course", viewBox: box, preserveAspectRatio: "none", role: "img", "aria-label": name }, drawn("polyline", { points }));
}

/** An address of this page's own for a picture: the policy admits no picture inside an address. */
const addressOf = (base64) => URL.createObjectURL(new Blob([Uint8Array.from(atob(base64), (one) => one.charCodeAt(0))], { type: "image/png" }));

const forget = ({ target }) => URL.revokeObjectURL(target.src);
