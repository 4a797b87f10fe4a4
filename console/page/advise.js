// The page Advise: the advisor's questions, its ranking with reasons and costs, and what would change it.

import { notice } from "./answers.js";
import { Refused } from "./api.js";
import { costChart } from "./cost.js";
import { byId, element, there } from "./dom.js";
import { usd } from "./figures.js";
import { familyNameOf, know, nameOf } from "./names.js";
import { treeCard } from "./tree.js";

const TYPING_MILLISECONDS = 350;
const OPTIONS_SHOWN = 6;
const NEEDED = ["modality", "task"];
const NUMERIC = ["number", "count"];
// With commas between groups of three digits; any other comma may be meant as a decimal point.
const GROUPED = /^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$/;

let ask;
let questions = [];
let follows = false;
let running = null;
let timer = 0;

/** Makes the page work; `asker` asks the API. */
export async function start(asker) {
  ask = asker;
  const read = await (await fetch("questions.json")).json();
  questions = read.questions;
  know(read.names);
  const [asked, more] = [false, true].map((one) => questions.filter((question) => question.more === one).map(field));
  byId("fields").replaceChildren(...asked, element("details", { id: "more" }, element("summary", {}, "More that you may know"), ...more));
  byId("questions").addEventListener("input", changed);
  byId("questions").addEventListener("submit", async (event) => {
    event.preventDefault();
    follows = true;
    await advise();
    byId("fields").querySelector("[aria-invalid]")?.focus();
  });
  byId("share").addEventListener("click", share);
  emptyAdvice();
}

/** Fills the answers in that a link holds. Nothing is asked before the person says so. */
export function open(parameters) {
  for (const { name, more } of questions) {
    input(name).value = parameters.get(name) ?? "";
    if (name === "modality") offerTasks();
    if (more && input(name).value) byId("more").open = true;
  }
  offerMore();
}

const input = (name) => byId(`answer-${name}`);

function field(question) {
  const id = `answer-${question.name}`;
  const made =
    NUMERIC.includes(question.kind)
      ? element("input", { id, type: "text", inputmode: "decimal", autocomplete: "off", placeholder: "unknown" })
      : element("select", { id }, choices(question.choices));
  made.name = question.name;
  const needed = NEEDED.includes(question.name) ? element("span", { class: "quiet" }, " (needed)") : null;
  // The advisor's sentences, `--set` and the API call it so.
  const name = element("code", { class: "quiet small", id: `${id}-name` }, question.name);
  made.setAttribute("aria-describedby", name.id);
  return element("div", { class: "field" }, element("label", { class: "label", for: id }, question.question, needed), made, name);
}

const choices = (values) => [
  element("option", { value: "" }, "unknown"),
  ...values.map((value) => element("option", { value }, value.replaceAll("_", " "))),
];

function offerTasks() {
  const task = questions.find(({ name }) => name === "task");
  const kept = input("task").value;
  const possible = task.by_modality[input("modality").value] ?? task.choices;
  input("task").replaceChildren(...choices(possible));
  input("task").value = possible.includes(kept) ? kept : "";
}

/** Hides what only other things than one's own have; an answer to it would contradict. */
function offerMore() {
  const modality = input("modality").value;
  for (const { name, modalities } of questions) {
    const missing = Boolean(modality && modalities && !modalities.includes(modality));
    input(name).closest(".field").hidden = missing;
    if (missing) input(name).value = "";
  }
}

function changed(event) {
  if (event.target.name === "modality") {
    offerTasks();
    offerMore();
  }
  history.replaceState(null, "", `#advise?${new URLSearchParams(answers())}`);
  byId("share-note").textContent = "";
  clearTimeout(timer);
  if (follows) timer = setTimeout(advise, TYPING_MILLISECONDS);
}

/** What is answered, as words. */
function answers() {
  const given = questions.map(({ name }) => [name, input(name).value.trim()]);
  return Object.fromEntries(given.filter(([, words]) => words));
}

/** The answers as the API takes them; throws Refused for a number that is none, naming its field. */
function problem() {
  const typed = questions
    .filter(({ name }) => answers()[name])
    .map(({ name, kind, question }) => {
      const words = answers()[name];
      if (kind === "switch") return [name, words === "yes"];
      if (!NUMERIC.includes(kind)) return [name, words];
      const plain = words.replaceAll(/[_\s]/g, "");
      const number = GROUPED.test(plain) ? plain.replaceAll(",", "") : plain;
      const [wanted, written] = kind === "count" ? ["whole number", "12,000"] : ["number", "12,000.5"];
      const isOne = kind === "count" ? /^[+-]?\d+$/.test(number) : !Number.isNaN(Number(number));
      if (!isOne) throw new Refused(`“${question}” wants a ${wanted}, such as ${written}, and ${words} is none.`, name);
      return [name, Number(number)];
    });
  const made = Object.fromEntries(typed);
  for (const name of NEEDED) {
    const { question } = questions.find((one) => one.name === name);
    if (!made[name]) throw new Refused(`Say first: ${question.toLowerCase()}`, name);
  }
  return made;
}

async function advise() {
  clearTimeout(timer);
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  mark(null);
  try {
    const asked = problem();
    const waiting = setTimeout(showWaiting, TYPING_MILLISECONDS);
    try {
      const { answer } = await ask("advise", JSON.stringify(asked), "application/json", signal);
      clearTimeout(waiting);
      show(adviceOf(answer, asked), toldOf(answer));
    } finally {
      clearTimeout(waiting);
    }
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof Refused)) throw error;
    mark(error.field);
    show([notice("bad", "No advice yet", error.message)], error.message);
  }
}

/** The advice before stays where it is until the next one comes: what one reads does not jump at each letter typed. */
function showWaiting() {
  const place = byId("advice");
  place.setAttribute("aria-busy", "true");
  if (!place.querySelector(".headline")) place.replaceChildren(element("div", { class: "card" }, element("p", { class: "wait" }, "Asking the advisor …")));
}

/** Shows what came, and tells a screen reader no more of it than `told`. */
function show(parts, told) {
  byId("advice").removeAttribute("aria-busy");
  byId("advice").replaceChildren(...parts);
  byId("advised").textContent = told;
}

const toldOf = ({ options: [first] }) => (first ? `First choice: ${first.service}: ${first.operation}, ${usd(first.usd_per_month)} a month.` : "Nothing is left: every candidate is ruled out.");

function mark(name) {
  for (const question of questions) {
    if (question.name === name) input(name).setAttribute("aria-invalid", "true");
    else input(question.name).removeAttribute("aria-invalid");
  }
  if (questions.find((one) => one.name === name)?.more) byId("more").open = true;
}

function emptyAdvice() {
  const words = "Answer what you know on this page and press Advise. Two answers are needed: what you have, and what shall be told of it.";
  byId("advice").replaceChildren(element("div", { class: "card ghost" }, element("h2", {}, "The advice will stand here"), element("p", { class: "quiet" }, words)));
}

async function share() {
  const address = `${location.origin}${location.pathname}#advise?${new URLSearchParams(answers())}`;
  history.replaceState(null, "", address);
  try {
    await navigator.clipboard.writeText(address);
    byId("share-note").textContent = "The link is copied. It holds these answers and nothing else.";
  } catch {
    byId("share-note").textContent = "This browser copies nothing for the page; the address above is the link.";
  }
}

function adviceOf(advice, asked) {
  const changes = [...advice.counterfactuals, advice.most_wanted].filter(Boolean);
  return there([
    advice.options.length ? headline(advice) : notice("bad", "Nothing is left", "Every candidate is ruled out; see why below."),
    advice.options.length ? ranking(advice.options) : null,
    advice.options.length ? costChart(advice.cost_curves, advice.break_evens, asked.predictions_per_month) : null,
    treeCard(advice.tree, questions),
    changes.length ? card("What would change it", list(changes.map((sentence) => ["change", sentence]))) : null,
    advice.ruled_out.length ? ruledOut(advice.ruled_out) : null,
  ]);
}

const card = (head, ...children) => element("article", { class: "card" }, element("h2", {}, head), element("div", { class: "body" }, ...children));

const list = (rows) =>
  element("ul", { class: "reasons" }, rows.map(([kind, sentence, points]) => element("li", { class: kind }, element("span", {}, sentence), element("span", { class: "points" }, points ?? ""))));

const signedPoints = (points) => `${points > 0 ? "+" : "−"}${Math.abs(points)}`;

function headline({ options: [first], close_call: closeCall }) {
  const served = first.serving ? `served by ${first.serving.replaceAll("_", " ")}${first.instance_family ? ` on ${first.instance_family}` : ""}` : "";
  const price = first.usd_per_month === null ? "" : `${usd(first.usd_per_month)} a month`;
  return element(
    "article",
    { class: "card headline" },
    element(
      "div",
      {},
      element("p", { class: "quiet small" }, "First choice"),
      element("div", { class: "name" }, element("strong", {}, `${first.service}: ${first.operation}`), element("span", { class: "price" }, price)),
      element("p", { class: "quiet" }, served),
    ),
    closeCall ? notice("warn", "A close call", "The second is as good by these rules: let a bake-off on your own data decide.") : null,
    list([
      ...first.reasons_for.map((reason) => ["for", reason.sentence, signedPoints(reason.points)]),
      ...first.reasons_against.map((reason) => ["against", reason.sentence, signedPoints(reason.points)]),
      ...first.risks.map((risk) => ["risk", risk]),
    ]),
  );
}

function ranking(options) {
  const rows = options.slice(0, OPTIONS_SHOWN).map((option) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, nameOf(option.id)),
      element("td", { class: "family" }, familyNameOf(option.family)),
      element("td", { class: "number" }, String(option.points).replace("-", "−")),
      element("td", { class: "number" }, usd(option.usd_per_month)),
      element("td", { class: "number thousand" }, usd(option.usd_per_thousand)),
    ),
  );
  const names = ["Option", "Family", "Points", "A month", "Per 1,000"];
  const head = element("tr", {}, names.map((name, index) => element("th", { scope: "col", class: ["", "family", "number", "number", "number thousand"][index] }, name)));
  const table = element("table", {}, element("thead", {}, head), element("tbody", {}, rows));
  return card("The ranking", element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "The ranking" }, table));
}

const ruledOut = (excluded) =>
  element(
    "details",
    { class: "card" },
    element("summary", {}, `Ruled out: ${excluded.length}`),
    element("dl", { class: "excluded" }, excluded.flatMap(([id, sentence]) => [element("dt", {}, nameOf(id)), element("dd", { class: "quiet" }, sentence)])),
  );
