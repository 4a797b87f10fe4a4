// Releases a registered version: asks first, starts the release state machine, and follows it to its end in words.

import { Refused } from "./api.js";
import { element } from "./dom.js";
import { sure } from "./sure.js";

const BETWEEN_LOOKS_MILLISECONDS = 3_000;
const WHAT_IT_DOES =
  "The endpoint changes to it step by step and is asked a known input. If it does not answer, the version before serves again.";
// What is said of a kind's release: a reading of the state shows it again where it stood.
const said = new Map();
const underWay = new Set();
// By version: one that has the focus keeps it when the state is read anew.
const buttons = new Map();
let call = null;
let place = {};
let onEnd;

/**
 * Makes the button work where the page may release; `caller` is null where it may not.
 *
 * `configuration` has the environment, and the machine's ARN as `release.machine`; `ended` is called after each end.
 */
export function start(caller, configuration, ended) {
  call = caller;
  place = configuration;
  onEnd = ended;
}

/** The button that releases a version, where the page may and the version is approved; else null. */
export function releaseButton(title, kind, newest) {
  if (!call || newest.approval !== "Approved") return null;
  const words = `Release version ${newest.version}`;
  const made = () => element("button", { type: "button", class: "chip", click: () => ask(title, kind, newest) }, words);
  if (!buttons.has(newest.arn)) buttons.set(newest.arn, made());
  return buttons.get(newest.arn);
}

/** Whether this page is releasing a version of a kind. */
export const isReleasing = (kind) => underWay.has(kind);

/** What is said of the release that this page started for a kind; null before there is one. */
export const releaseWords = (kind) => said.get(kind) ?? null;

async function ask(title, kind, newest) {
  const question = `Release version ${newest.version} of the ${title.toLowerCase()} in ${place.environment}?`;
  if (await sure(question, WHAT_IT_DOES, "Release")) release(kind, newest);
}

async function release(kind, { arn, version }) {
  underWay.add(kind);
  said.set(kind, said.get(kind) ?? element("p", { class: "small", role: "status" }));
  const say = (sentence) => (said.get(kind).textContent = sentence);
  say(`The release of version ${version} begins.`);
  onEnd();
  let execution = null;
  try {
    const request = { stateMachineArn: place.release.machine, input: JSON.stringify({ model_package_arn: arn }) };
    execution = (await call("StartExecution", request)).executionArn;
    say(await ended(execution, version, say));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    say(execution ? `${error.message} The release of version ${version} goes on by itself.` : `Version ${version} was not released: ${error.message}`);
  } finally {
    underWay.delete(kind);
    onEnd();
  }
}

/** Looks at the execution until it has ended, while somebody sees the page; the sentence that says how it did. */
async function ended(execution, version, say) {
  for (;;) {
    const { status, output, cause } = await call("DescribeExecution", { executionArn: execution });
    // The machine says why it stepped aside, where it did.
    if (status === "SUCCEEDED") return JSON.parse(output ?? "{}").said ?? `Version ${version} serves.`;
    if (status !== "RUNNING") return cause ?? `The release of version ${version} was stopped (${status}). What serves now stands above.`;
    say(`Version ${version} is being released. The state machine updates the stack, asks the version a known input, and takes it back if it does not answer.`);
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_LOOKS_MILLISECONDS));
    if (document.hidden) await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
  }
}
