// The page Watch: what is deployed and serves, training runs with their curves as they come in, and alarms.

import { notice } from "./answers.js";
import { Refused } from "./api.js";
import { bakeoffCard } from "./bakeoff.js";
import { trainingCurves } from "./curves.js";
import { byId, element, there } from "./dom.js";
import { evaluationOf } from "./evaluation.js";
import { percent } from "./figures.js";
import { isReleasing, releaseButton, releaseWords } from "./release.js";
import { know } from "./train.js";

const BUSY_MILLISECONDS = 5_000;
const QUIET_MILLISECONDS = 15_000;
// As many as the function behind the page reads; a test compares them.
const RUNS_SHOWN = 6;
const time = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

let read;
let option = "";
let timer = 0;
// Of the runs shown: a reading changes their curves, and does not fold up or move what somebody looks at.
const curves = new Map();

/** Makes the page work; `reader` gives the deployment's state, `words` are what commands about it want besides. */
export function start(reader, words) {
  read = reader;
  option = words;
  byId("refresh").addEventListener("click", show);
  document.addEventListener("visibilitychange", again);
}

/** Reads and shows the state, and again by itself while the page is seen, sooner while something is going on. */
export async function show() {
  let wait = QUIET_MILLISECONDS;
  const place = byId("state");
  if (!place.children.length) place.append(element("p", { class: "wait" }, "Reading what is deployed …"));
  try {
    const state = await read();
    const focused = document.activeElement;
    const isOpen = byId("bakeoff-figures")?.open ?? false;
    place.replaceChildren(...there(partsOf(state)));
    know(state);
    byId("bakeoff-figures")?.toggleAttribute("open", isOpen);
    if (place.contains(focused)) focused.focus({ preventScroll: true });
    else if (document.activeElement !== focused) byId("refresh").focus({ preventScroll: true });
    for (const name of curves.keys()) if (!state.runs.some((run) => run.name === name)) curves.delete(name);
    byId("read-at").textContent = `As of ${new Date().toLocaleTimeString()}.`;
    if (isBusy(state)) wait = BUSY_MILLISECONDS;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    place.replaceChildren(notice("bad", "The state cannot be read", error.message));
  }
  clearTimeout(timer);
  timer = setTimeout(again, wait);
}

/** A page that nobody sees asks nothing: it reads anew as soon as it is seen, here or by the way to it. */
function again() {
  clearTimeout(timer);
  if (!byId("watch").hidden && !document.hidden) show();
}

const isBusy = ({ runs, endpoints }) =>
  runs.some((run) => run.state === "running") || endpoints.some((endpoint) => /ing$/.test(endpoint.status ?? ""));

const partsOf = (state) => [
  element("div", { class: "answers" }, state.endpoints.map(endpointCard)),
  bakeoffCard(state.bakeoff, (when) => time.format(new Date(when)), section("The last bake-off", [], `None has ended here yet. Run: recognition bakeoff --data reviews.csv${option}`)),
  section("Training runs", runRows(state.runs), `Nothing was trained here yet. Run: recognition train ${state.endpoints[0].kind}${option}`),
  section("Alarms", state.alarms.map(alarmRow), "There are none before the first release."),
];

const section = (head, rows, nothing) =>
  element(
    "article",
    { class: "card" },
    element("h2", {}, head),
    rows.length ? element("ul", { class: "rows" }, rows) : element("p", { class: "quiet" }, nothing),
  );

function endpointCard({ kind, title, name, status, version, fleets, registered, labelled }) {
  const serves = status ? `version ${version ?? "unknown"}` : "no version released";
  return element(
    "article",
    { class: "card answer own" },
    element("header", {}, element("h2", {}, title), tag(status ?? "no endpoint", status === "InService" ? "good" : status === "Failed" ? "bad" : "warn")),
    element("p", { class: "best" }, element("strong", {}, serves)),
    element("p", { class: "quiet small" }, name),
    fleets.length ? element("ul", { class: "bars wide" }, fleets.map((fleet) => fleetRow(fleet, fleets))) : null,
    element(
      "div",
      {},
      element("h3", {}, "Registered"),
      registered.length
        ? element("ul", { class: "rows small" }, registered.map(versionRow))
        : element("p", { class: "quiet small" }, "nothing yet"),
      howToRelease(title, kind, status, version, registered[0]),
      releaseWords(kind),
    ),
    labelled.length ? labelledDays(labelled) : null,
  );
}

/** How right the answers of each day were by the labels that came later, and what the newest of these days was like. */
function labelledDays(days) {
  const measured = days.filter(({ enough }) => enough);
  const newest = measured.at(-1);
  const rows = measured.map(({ day, score }) => {
    const filling = element("i");
    filling.style.width = percent(score);
    return element("li", {}, element("span", { class: "name" }, day), element("span", { class: "bar" }, filling), element("span", { class: "number" }, score.toFixed(3)));
  });
  return element(
    "div",
    {},
    element("h3", {}, "By labels that came later"),
    newest ? element("ul", { class: "bars wide" }, rows) : null,
    ...(newest ? sentencesOf(newest) : ["There were too few labels to say anything."]).map((words) => element("p", { class: "small" }, words)),
  );
}

const sentencesOf = (day) => {
  const [low, high] = day.interval_95.map((bound) => bound.toFixed(3));
  const worst = day.worst_classes.map(({ label, recall, answered_instead: other }) => `${label} (${percent(recall)} found, else mostly ${other})`);
  return there([
    `${day.day}: ${day.metric.replaceAll("_", " ")} ${day.score.toFixed(3)} (${low} to ${high}) on ${day.samples} of ${day.answered} answers, ${day.score_on_test.toFixed(3)} on the test split. Calibration error ${day.calibration_error.toFixed(3)}.`,
    worst.length ? `Worst classes: ${worst.join("; ")}.` : null,
  ]);
};

const tag = (words, kind) => element("span", { class: `tag ${kind}` }, words);

function fleetRow({ role, weight, instances }, fleets) {
  const all = fleets.reduce((sum, fleet) => sum + (fleet.weight ?? 0), 0);
  const share = all ? (weight ?? 0) / all : 0;
  const filling = element("i");
  filling.style.width = percent(share);
  const words = `${role === "serving" ? "serving" : "release"}, ${instances ?? 0} ${instances === 1 ? "instance" : "instances"}`;
  return element("li", {}, element("span", { class: "name" }, words), element("span", { class: "bar" }, filling), element("span", { class: "number" }, percent(share)));
}

const versionRow = ({ version, approval, created }) =>
  element(
    "li",
    {},
    element("span", {}, element("strong", {}, `version ${version}`), ` ${time.format(new Date(created))}`),
    tag(approval === "PendingManualApproval" ? "waits for approval" : approval.toLowerCase(), approval === "Approved" ? "good" : approval === "Rejected" ? "bad" : "warn"),
  );

/** The button or the command that releases the newest version, where it does not serve and no release is under way. */
function howToRelease(title, kind, status, serving, newest) {
  if (!newest || newest.version === serving || newest.approval === "Rejected" || /ing$/.test(status ?? "") || isReleasing(kind)) return null;
  const approve = newest.approval === "PendingManualApproval" ? " --approve" : "";
  const command = `recognition release ${kind} --version ${newest.version}${approve}${option}`;
  return [
    releaseButton(title, kind, newest),
    element("p", { class: "quiet small" }, `Release version ${newest.version}: `, element("code", {}, command)),
  ];
}

/** The newest runs; with as many as are ever shown, how to list those before. */
const runRows = (runs) => [
  ...runs.map(runRow),
  runs.length < RUNS_SHOWN ? null : element("li", { class: "quiet small" }, element("span", {}, "Earlier ones: ", element("code", {}, `recognition runs --last 20${option}`))),
].filter(Boolean);

const STATES = { registered: "good", running: "", stopped: "warn" };

function runRow(run) {
  const { name, state, version, started, seconds, reason, data } = run;
  const when = there([time.format(new Date(started)), seconds === null ? null : `${seconds} s`, data ? `on ${data}` : null]);
  return element(
    "li",
    { class: "run" },
    element("div", {}, element("strong", {}, name), element("p", { class: "quiet small" }, when.join(", ")), reason ? element("p", { class: "small" }, reason) : null),
    tag(version ? `${state} as version ${version}` : state, STATES[state] ?? "bad"),
    curvesOf(run),
    evaluationOf(run),
  );
}

function curvesOf({ name, curve }) {
  if (!curve.length) return null;
  if (!curves.has(name)) curves.set(name, trainingCurves(name));
  const kept = curves.get(name);
  kept.update(curve);
  return kept.parts;
}

const alarmRow = ({ name, state }) =>
  element("li", {}, element("span", {}, name), tag({ OK: "ok", ALARM: "rings", INSUFFICIENT_DATA: "no data yet" }[state] ?? state, { OK: "good", ALARM: "bad" }[state] ?? "warn"));
