// Starts the console: reads where its API is, has the person sign in where that is needed, and shows the pages.

import * as advisePage from "./advise.js";
import { Refused, asker, reader, stepFunctions } from "./api.js";
import { byId } from "./dom.js";
import * as evaluations from "./evaluation.js";
import * as releasing from "./release.js";
import { credentialsSource } from "./signin.js";
import * as training from "./train.js";
import * as tryPage from "./try.js";
import * as watchPage from "./watch.js";

const PAGES = ["try", "advise", "watch"];
const KEY = "embedded-aws-key";

let started = false;

function route() {
  const [, name, question] = location.hash.match(/^#(\w+)(?:\?(.*))?$/) ?? [];
  const shown = PAGES.includes(name) ? name : (PAGES.find((page) => !byId(page).hidden) ?? PAGES[0]);
  for (const page of PAGES) byId(page).hidden = page !== shown;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${shown}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${shown[0].toUpperCase()}${shown.slice(1)} · Recognition`;
  if (shown === "watch" && started) watchPage.show();
  if (shown === "advise" && question && started) advisePage.open(new URLSearchParams(question));
}

function fail(sentence) {
  byId("failure").textContent = sentence;
  byId("failure").hidden = false;
}

/** The key of the embedded AWS that is in the address which its command prints; it stays with this origin. */
function givenKey() {
  const [, given] = location.hash.match(/^#key=([\w-]+)$/) ?? [];
  if (given) {
    localStorage.setItem(KEY, given);
    history.replaceState(null, "", location.pathname);
  }
  return localStorage.getItem(KEY);
}

async function configurationOf() {
  const key = givenKey();
  const response = await fetch("config.json", {
    cache: "no-store",
    headers: key ? { authorization: `Bearer ${key}` } : {},
  });
  const found = await response.json();
  if (!response.ok) throw new Refused(found.message);
  return found;
}

/** What a command of `recognition` needs to reach the deployment that this page is of. */
const optionsOf = ({ environment, signIn }) =>
  `${signIn ? " --aws" : ""} --environment ${environment}`;

async function start() {
  const configuration = await configurationOf();
  const credentials = await credentialsSource(configuration);
  const ask = asker(configuration, credentials);
  byId("place").textContent = `${configuration.environment} · ${configuration.place}`;
  const option = optionsOf(configuration);
  if (configuration.lessons) {
    byId("lessons").href = configuration.lessons;
    byId("lessons").hidden = false;
  }
  tryPage.start(ask, option, configuration.kinds, configuration.endpoints);
  await advisePage.start(ask);
  const read = reader(configuration, credentials);
  watchPage.start(() => read(), option);
  if (configuration.evaluations) evaluations.start(read);
  const caller = (machine) => stepFunctions(machine, configuration.region, credentials);
  if (configuration.release) releasing.start(caller(configuration.release), configuration, watchPage.show);
  if (configuration.train) training.start(caller(configuration.train), configuration, watchPage.show);
  started = true;
  route();
  window.addEventListener("hashchange", route);
}

addEventListener("unhandledrejection", () => fail("Something in this page went wrong. Load it again."));
route();
start().catch((error) =>
  fail(error instanceof Refused ? error.message : "The page cannot reach the place that serves it. Load it again."),
);
