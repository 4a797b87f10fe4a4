// The page Watch: what is deployed and serves, training runs with their curves as they come in, and alarms.

import { notice } from "./answers.js";
import { Refused } from "./api.js";
import { byId, drawn, element, there } from "./dom.js";
import { percent } from "./figures.js";

const REFRESH_MILLISECONDS = 5_000;
const NETWORKS = { cnn: "Convolutional network", rnn: "Recurrent network" };
const CURVE = { width: 220, height: 64, margin: 5 };
const time = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

let read;
let option = "";
let timer = 0;

/** Makes the page work; `reader` gives the deployment's state, `words` are what commands about it want besides. */
export function start(reader, words) {
  read = reader;
  option = words;
  byId("refresh").addEventListener("click", show);
}

/** Reads and shows the state, and again every few seconds while a run is going and the page is seen. */
export async function show() {
  clearTimeout(timer);
  const place = byId("state");
  if (!place.children.length) place.append(element("p", { class: "wait" }, "Reading what is deployed …"));
  try {
    const state = await read();
    place.replaceChildren(...there(partsOf(state)));
    byId("read-at").textContent = `As of ${new Date().toLocaleTimeString()}.`;
    if (state.runs.some((run) => run.status === "InProgress")) timer = setTimeout(again, REFRESH_MILLISECONDS);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    place.replaceChildren(notice("bad", "The state cannot be read", error.message));
  }
}

function again() {
  if (!byId("watch").hidden && !document.hidden) show();
  else timer = setTimeout(again, REFRESH_MILLISECONDS);
}

const partsOf = (state) => [
  element("div", { class: "answers" }, state.endpoints.map(endpointCard)),
  bakeoffCard(state.bakeoff),
  section("Training runs", state.runs.map(runRow), `Nothing was trained here yet. Run: recognition train cnn${option}`),
  section("Alarms", state.alarms.map(alarmRow), "There are none before the first release."),
];

const section = (head, rows, nothing) =>
  element(
    "article",
    { class: "card" },
    element("h2", {}, head),
    rows.length ? element("ul", { class: "rows" }, rows) : element("p", { class: "quiet" }, nothing),
  );

function endpointCard({ kind, name, status, version, fleets, registered }) {
  const serves = status ? `version ${version ?? "unknown"}` : "no version released";
  return element(
    "article",
    { class: "card answer own" },
    element("header", {}, element("h2", {}, NETWORKS[kind]), tag(status ?? "no endpoint", status === "InService" ? "good" : status === "Failed" ? "bad" : "warn")),
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
    ),
  );
}

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

const STATES = { Completed: "good", Failed: "bad", Stopped: "warn" };

function runRow({ name, status, started, seconds, reason, curve }) {
  const when = there([started ? time.format(new Date(started)) : "not started", seconds === null ? null : `${seconds} s`]);
  return element(
    "li",
    { class: "run" },
    element("div", {}, element("strong", {}, name), element("p", { class: "quiet small" }, when.join(", ")), reason ? element("p", { class: "small" }, reason) : null),
    ["loss", "accuracy"].map((quantity) => curveOf(curve, quantity)),
    tag(status === "InProgress" ? "running" : status.toLowerCase(), STATES[status] ?? ""),
  );
}

/** A small curve of training and validation over the epochs, with the last value beside it. */
function curveOf(rows, quantity) {
  const splits = ["train", "validation"].map((split) => rows.map((row) => [row.epoch, row[`${split}_${quantity}`]]).filter(([, value]) => value !== undefined));
  const all = splits.flat();
  if (!all.length) return null;
  const scale = (values, from, to) => {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return (value) => (high > low ? from + ((value - low) / (high - low)) * (to - from) : (from + to) / 2);
  };
  const x = scale(all.map(([epoch]) => epoch), CURVE.margin, CURVE.width - CURVE.margin);
  const y = scale(all.map(([, value]) => value), CURVE.height - CURVE.margin, CURVE.margin);
  const last = (points) => (points.length ? points.at(-1)[1].toFixed(3) : "none");
  const key = (index, name) => element("span", { class: `key tone${index}` }, `${name} ${last(splits[index])}`);
  const lines = splits.map((points, index) => [
    drawn("path", { class: `curve tone${index}`, d: points.map(([at, value], place) => `${place ? "L" : "M"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`).join("") }),
    points.slice(-1).map(([at, value]) => drawn("circle", { class: `tone${index}`, cx: x(at), cy: y(value), r: 3 })),
  ]);
  return element(
    "figure",
    { class: "spark" },
    drawn("svg", { viewBox: `0 0 ${CURVE.width} ${CURVE.height}`, "aria-hidden": "true" }, lines),
    element("figcaption", { class: "quiet small" }, `${quantity}: `, key(0, "train"), ", ", key(1, "validation")),
  );
}

function bakeoffCard(bakeoff) {
  const finished = (bakeoff?.results ?? []).filter((result) => result.accuracy);
  finished.sort((one, other) => other.accuracy.value - one.accuracy.value);
  const head = bakeoff ? `The last bake-off: ${bakeoff.data}` : "The last bake-off";
  const rows = finished.map(({ title, accuracy, stand_in: standIn }) => {
    const filling = element("i");
    filling.style.width = percent(accuracy.value);
    return element(
      "li",
      {},
      element("span", { class: "name", title }, standIn ? `${title} (stand-in)` : title),
      element("span", { class: "bar" }, filling),
      element("span", { class: "number" }, accuracy.value.toFixed(3)),
    );
  });
  if (!rows.length) return section(head, [], `None has ended here yet. Run: recognition bakeoff --data reviews.csv${option}`);
  const when = `${time.format(new Date(bakeoff.ended))}${bakeoff.interrupted ? ", stopped before it was done" : ""}`;
  const others = bakeoff.results.filter((result) => !result.accuracy).map(({ title }) => title);
  const unfinished = others.length ? element("p", { class: "quiet small" }, `Did not finish: ${others.join(", ")}.`) : null;
  const sentences = (bakeoff.verdict?.sentences ?? []).map((sentence) => element("p", { class: "small" }, sentence));
  return element("article", { class: "card" }, element("h2", {}, head), element("p", { class: "quiet small" }, when), element("div", { class: "body" }, element("ul", { class: "bars wide" }, rows), sentences, unfinished));
}

const alarmRow = ({ name, state }) =>
  element("li", {}, element("span", {}, name), tag({ OK: "ok", ALARM: "rings", INSUFFICIENT_DATA: "no data yet" }[state] ?? state, { OK: "good", ALARM: "bad" }[state] ?? "warn"));
