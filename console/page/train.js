// Starts a training run on a data set that lies in the data bucket: asks first; Watch shows how far it is.

import { Refused } from "./api.js";
import { byId, element } from "./dom.js";
import { sure } from "./sure.js";

let call = null;
let place = {};
let onStart;

/** Makes the form work; `configuration` has the machine, the data bucket's address and what a run costs as `train`. */
export function start(caller, configuration, started) {
  call = caller;
  place = configuration;
  onStart = started;
  byId("train-cost").textContent = place.train.cost;
  byId("train").addEventListener("submit", asked);
}

/** Takes the networks, and the data sets of the runs that are known, from the deployment's state; shows the form. */
export function know({ endpoints, runs }) {
  if (!call) return;
  byId("train").hidden = false;
  const networks = byId("train-kind");
  if (!networks.options.length) networks.append(...endpoints.map(({ kind, title }) => element("option", { value: kind }, title)));
  const trained = runs.map(({ data }) => data).filter((data) => data?.startsWith(place.train.data));
  byId("train-known").replaceChildren(...[...new Set(trained)].map((value) => element("option", { value })));
}

async function asked(event) {
  event.preventDefault();
  const [data, score] = [byId("train-data"), byId("train-score")];
  const address = addressOf(data.value.trim());
  const checks = [
    [data, address ? "" : `A data set lies below ${place.train.data}, for example ${place.train.data}photos.`],
    [score, score.checkValidity() ? "" : "The least score is a number from 0 to 1, or left out."],
  ];
  for (const [field, words] of checks) {
    if (words) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }
  const [field, words] = checks.find(([, words]) => words) ?? [null, ""];
  say(words);
  if (field) {
    field.focus();
    return;
  }
  const kind = byId("train-kind");
  const title = kind.selectedOptions[0].textContent.toLowerCase();
  if (await sure(`Train the ${title} on ${address}?`, place.train.cost, "Train")) {
    await begin({ kind: kind.value, data_s3_uri: address, ...(score.value ? { minimum_accuracy: score.valueAsNumber } : {}) });
  }
}

/** The address of a data set, also where only its place in the bucket was written; null of what is none. */
function addressOf(words) {
  const address = words.includes("://") ? words : place.train.data + words.replace(/^\/+/, "");
  return address.startsWith(place.train.data) && /[^/]/.test(address.slice(place.train.data.length)) ? address : null;
}

async function begin(request) {
  const button = byId("train-go");
  button.disabled = true;
  const id = newRunId();
  const name = `${request.kind}-${id}`;
  try {
    await call("StartExecution", { stateMachineArn: place.train.machine, name, input: JSON.stringify({ ...request, run_id: id }) });
    say(`${name} is started. It stands among the training runs, with its curves as they come in.`);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    say(`Nothing was started: ${error.message}`);
  }
  button.disabled = false;
  // A button that is disabled loses the focus.
  if (document.activeElement === document.body) button.focus({ preventScroll: true });
  onStart();
}

/** As the command `recognition train` makes them: when the run began, and a few letters that tell two apart. */
const newRunId = () =>
  `${new Date().toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-")}-${crypto.randomUUID().slice(0, 6)}`;

const say = (sentence) => (byId("train-note").textContent = sentence);
