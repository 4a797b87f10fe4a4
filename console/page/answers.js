// Shows one backend's answer as a card, and says whether two of them agree.

import { NOT_RELEASED } from "./api.js";
import { element } from "./dom.js";
import { duration, percent, usd } from "./figures.js";

const BACKENDS = { rekognition: "Amazon Rekognition", comprehend: "Amazon Comprehend", sagemaker: "Own network" };
export const SIDES = { managed: "Managed service", own: "Own network" };
const RESULTS_SHOWN = 6;

/** A card before anything was asked. */
export const emptyCard = (side, sentence) =>
  element(
    "article",
    { class: `card answer ghost ${side}` },
    element("header", {}, element("h2", {}, SIDES[side])),
    element("p", { class: "quiet" }, sentence),
  );

/** A card that counts the seconds; `stop()` ends the counting. */
export function waitingCard(side) {
  const words = element("p", { class: "wait" }, "Waiting for the answer …");
  const started = performance.now();
  const timer = setInterval(() => {
    words.textContent = `Waiting for ${Math.round((performance.now() - started) / 1000)} s … the first answer of a function takes longer.`;
  }, 1000);
  const card = element("article", { class: `card answer ${side}`, "aria-busy": "true" }, title(SIDES[side]), words);
  return { card, stop: () => clearInterval(timer) };
}

/** A card with the sentence that came in place of an answer; `commands` lead to a released version where none is. */
export function refusedCard(side, error, commands) {
  const awaited = error.code === NOT_RELEASED;
  return element(
    "article",
    { class: `card answer ${side}` },
    title(SIDES[side], element("span", { class: `tag ${awaited ? "warn" : "bad"}` }, awaited ? "not released" : "no answer")),
    element("p", {}, error.message),
    awaited ? element("div", { class: "quiet small" }, "Train and release one:", element("ul", { class: "commands" }, commands.map((one) => element("li", {}, element("code", {}, one))))) : null,
  );
}

/** A card with an answer; `onChosen(label)` hears which result is pointed at, null when none is. */
export function answerCard(side, { answer, milliseconds }, onChosen) {
  const [best] = answer.results;
  return element(
    "article",
    { class: `card answer ${side}` },
    title(
      BACKENDS[answer.backend] ?? answer.backend,
      answer.stand_in ? element("span", { class: "tag warn" }, "stand-in") : null,
    ),
    best
      ? element("p", { class: "best" }, element("strong", {}, best.label), element("span", {}, percent(best.score)))
      : element("p", { class: "best" }, element("strong", {}, "nothing")),
    element("ol", { class: "bars" }, bestOfEach(answer.results).map((result) => row(result, onChosen))),
    element(
      "dl",
      { class: "facts" },
      fact("Answered in", duration(answer.latency_milliseconds), `${duration(milliseconds)} in all`),
      fact("This call", ...costOf(answer)),
      fact("Model", ...modelOf(answer)),
    ),
    answer.route ? element("p", { class: "quiet small" }, routeOf(answer.route)) : null,
    answer.stand_in ? element("p", { class: "quiet small" }, answer.stand_in) : null,
  );
}

const title = (words, ...tags) => element("header", {}, element("h2", {}, words), ...tags);

const fact = (name, value, beside) =>
  element("div", {}, element("dt", {}, name), element("dd", {}, element("span", {}, value), element("small", {}, beside)));

/** The surest result of each label: a picture with ten chairs has one row of them. */
function bestOfEach(results) {
  const seen = new Set();
  return results.filter(({ label }) => !seen.has(label) && seen.add(label)).slice(0, RESULTS_SHOWN);
}

function row({ label, score, box }, onChosen) {
  const filling = element("i");
  filling.style.width = percent(score);
  const listeners = box ? { mouseenter: () => onChosen(label), mouseleave: () => onChosen(null) } : {};
  return element(
    "li",
    listeners,
    element("span", { class: "name", title: label }, label),
    element("span", { class: "bar" }, filling),
    element("span", { class: "number" }, score.toFixed(2)),
  );
}

// A service's model has the name of its operation, which its documents write in one word.
const operationOf = (name) => name.replaceAll(/(?:^|_)([a-z])/g, (_, letter) => letter.toUpperCase());

const modelOf = ({ backend, model: { name, version } }) => [version ? `version ${version}` : "no version", backend === "sagemaker" ? name : operationOf(name)];

function costOf({ cost, stand_in: standIn }) {
  if (cost.unit === null) return ["by the hour", "asked or not"];
  const units = `${cost.units} × ${cost.unit}`;
  if (cost.usd === null) return ["unknown", `${units}; unconfirmed price`];
  return [usd(cost.usd), standIn ? `${units} at AWS, free here` : units];
}

/** What a call beside the two answers took and cost, as a sentence. */
export const callOf = (what, { answer, milliseconds }) =>
  `${what} by ${BACKENDS[answer.backend] ?? answer.backend}${answer.stand_in ? " (stand-in)" : ""} in ${duration(milliseconds)}; this call: ${costOf(answer).join(", ")}.`;

const routeOf = (route) =>
  `The policy asked ${route.map((step) => Object.values(step).join(": ")).join(", then ")}.`;

/** A notice that says whether the managed service and the own network agree; null when one of them did not answer. */
export function verdictOn(managed, own) {
  if (!managed || !own) return null;
  const [first, second] = [managed.answer.results[0], own.answer.results[0]];
  if (!first || !second) return notice("warn", "Nothing to compare", "One of the two recognised nothing.");
  const said = `The managed service says ${told(first)}, the own network says ${told(second)}.`;
  if (same(first.label, second.label)) return notice("good", "They agree", said);
  const place = managed.answer.results.findIndex((result) => same(result.label, second.label));
  const also =
    place > 0
      ? ` ${second.label} is also among the managed service's results, with ${percent(managed.answer.results[place].score)}.`
      : " Labels are compared as they are written, so two words for one thing count as two.";
  return notice("warn", "They disagree", said + also);
}

const told = ({ label, score }) => `${label} (${percent(score)})`;

const same = (one, other) => one.toLowerCase() === other.toLowerCase();

export const notice = (kind, head, words) =>
  element("div", { class: `notice ${kind}` }, element("strong", {}, head), words);
